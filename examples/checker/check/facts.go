package check

import (
	"go/types"
	"reflect"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/ctrlflow"
)

// Facts are what a pass learned about an imported package. The units of one
// source are checked in one run, so they stay in memory: an object seen by an
// importing unit is the very object its own unit declared.

// A factKey identifies a fact: about an object or, if obj is nil, a package.
type factKey struct {
	pkg  *types.Package
	obj  types.Object
	kind reflect.Type
}

// bindFacts gives a pass its functions for facts.
func (r *run) bindFacts(pass *analysis.Pass) {
	pass.ImportObjectFact = func(obj types.Object, into analysis.Fact) bool {
		if _, ok := r.facts[factKey{nil, obj, reflect.TypeOf(into)}]; !ok && isNoReturn(into) {
			return knownToEnd(obj) // the fact has no content to fill in
		}
		return r.copyFact(factKey{nil, obj, reflect.TypeOf(into)}, into)
	}
	pass.ImportPackageFact = func(pkg *types.Package, into analysis.Fact) bool {
		return r.copyFact(factKey{pkg, nil, reflect.TypeOf(into)}, into)
	}
	pass.ExportObjectFact = func(obj types.Object, fact analysis.Fact) {
		r.facts[factKey{nil, obj, reflect.TypeOf(fact)}] = fact
	}
	pass.ExportPackageFact = func(fact analysis.Fact) {
		r.facts[factKey{pass.Pkg, nil, reflect.TypeOf(fact)}] = fact
	}
	pass.AllObjectFacts = func() (all []analysis.ObjectFact) {
		for key, fact := range r.facts {
			if key.obj != nil && hasFact(pass.Analyzer, key.kind) {
				all = append(all, analysis.ObjectFact{Object: key.obj, Fact: fact})
			}
		}
		return all
	}
	pass.AllPackageFacts = func() (all []analysis.PackageFact) {
		for key, fact := range r.facts {
			if key.pkg != nil && hasFact(pass.Analyzer, key.kind) {
				all = append(all, analysis.PackageFact{Package: key.pkg, Fact: fact})
			}
		}
		return all
	}
}

// copyFact fills in a fact, if there is one.
func (r *run) copyFact(key factKey, into analysis.Fact) bool {
	fact, ok := r.facts[key]
	if ok {
		reflect.ValueOf(into).Elem().Set(reflect.ValueOf(fact).Elem())
	}
	return ok
}

// hasFact reports whether facts of a kind belong to a pass.
func hasFact(a *analysis.Analyzer, kind reflect.Type) bool {
	for _, f := range a.FactTypes {
		if reflect.TypeOf(f) == kind {
			return true
		}
	}
	return false
}

// isNoReturn reports whether fact is the one by which ctrlflow says that a
// function does not return.
func isNoReturn(fact analysis.Fact) bool {
	return reflect.TypeOf(fact) == reflect.TypeOf(ctrlflow.Analyzer.FactTypes[0])
}
