#!/bin/sh
# vm.sh runs the tests of cgroups in a virtual machine with all controllers of
# version 2, which few machines that build this leave to a test. It is no part of
# the gate, and run by hand:
#
#	sh proc/internal/child/testdata/vm.sh KERNEL [TESTS]
#
# KERNEL is a bzImage, such as /boot/vmlinuz-* of a Debian cloud kernel. TESTS is
# what -test.run gets. Needs qemu-system-x86_64, a static busybox, cpio and Go;
# no KVM: emulated, it takes about a minute.
set -eu
kernel=$1
tests=${2:-'VM|Cgroup|Controller|Kernel|HostThat|TreeWithout'}
cd "$(dirname "$0")/.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev" "$root/tmp"
cp "$(command -v busybox)" "$root/bin/busybox"
for tool in sh mount mkdir sleep true echo cat poweroff setsid ip; do
	ln -s busybox "$root/bin/$tool"
done
CGO_ENABLED=0 go test -c -o "$root/child.test" .

cat >"$root/init" <<EOF
#!/bin/sh
export PATH=/bin HOME=/ HEM_CHILD_VM=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
echo '+memory +pids +cpu' >/sys/fs/cgroup/cgroup.subtree_control
mkdir -p /sys/fs/cgroup/unit/main
sh -c 'echo 0 >/sys/fs/cgroup/unit/main/cgroup.procs; exec /child.test -test.v -test.timeout 300s -test.run "$tests"'
echo "vm: exit status \$?"
poweroff -f
EOF
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$root.cpio.gz"
trap 'rm -rf "$root" "$root.cpio.gz"' EXIT

timeout 400 qemu-system-x86_64 -m 1536 -smp 2 -nographic -no-reboot \
	-kernel "$kernel" -initrd "$root.cpio.gz" \
	-append 'console=ttyS0 quiet panic=-1' </dev/null | tee "$root/log"
grep -q 'vm: exit status 0' "$root/log"
