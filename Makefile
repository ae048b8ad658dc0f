# Everything a contributor runs. Needs Go, git and make; the pinned linters are
# built from the tools module when first asked for.

# Every package of every module of go.work.
all := github.com/hemgo/hem/...

.PHONY: help test lint vuln api demo bench soak sim chaos tables clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

test: ## all tests of all modules, under the race detector
	@.ci/test $(all)

lint: ## gofmt, go vet and staticcheck over all modules
	@.ci/lint $(all)

vuln: ## known vulnerabilities in what we depend on
	@.ci/vuln $(all)

api: ## write api.txt, the exported surface, from the source
	go test -run TestAPI . -update

demo: ## the checker on each rung of the ladder, then served
	go run ./examples/checker -compare -for 5s -then-serve

bench: ## Hem beside its rivals
	go run ./bench -suite all

soak: ## a minute of correct programs, in which no verdict may fall
	HEM_SOAK=60s go test -race -run Soak -count=1 ./internal/graph ./lock

sim: ## a million simulated histories of durable jobs
	HEM_SIM=1000000 go test -run Sim -count=1 -timeout 0 -v ./job/internal/sim

chaos: ## durable jobs under real kills, power cuts, full disks and damage
	HEM_CHAOS=1 go test -count=1 -timeout 30m -v ./node/chaos

tables: ## measure again, and write the README's tables
	go run ./bench -tables -quick -write README.md -write docs/locks.md -write docs/processes.md
	go run ./examples/checker -compare -for 10s -write README.md,docs/which-rung.md

clean: ## remove what building and profiling leave in the root
	rm -rf bin *.test *.out *.prof
