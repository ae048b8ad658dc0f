//go:build linux

package child_test

import (
	"strings"
	"testing"

	"github.com/hemgo/hem/proc/internal/child"
)

func TestOwnCgroupIsFoundByWhereItIsMounted(t *testing.T) {
	const plain = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	tests := []struct {
		name, cgroups, mounts string
		dir, mount, err       string
	}{
		{
			name:    "a service",
			cgroups: "0::/system.slice/a.service/main\n", mounts: plain,
			dir: "/sys/fs/cgroup/system.slice/a.service/main", mount: "/sys/fs/cgroup",
		},
		{name: "the root", cgroups: "0::/\n", mounts: plain, dir: "/sys/fs/cgroup", mount: "/sys/fs/cgroup"},
		{
			name:    "beside version 1",
			cgroups: "4:memory:/x\n1:name=systemd:/y\n0::/z\n",
			mounts:  "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			dir:     "/sys/fs/cgroup/unified/z", mount: "/sys/fs/cgroup/unified",
		},
		{
			name:    "a part is mounted",
			cgroups: "0::/docker/abc/in\n",
			mounts:  "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
			dir:     "/sys/fs/cgroup/in", mount: "/sys/fs/cgroup",
		},
		{
			name:    "just that part",
			cgroups: "0::/docker/abc\n",
			mounts:  "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
			dir:     "/sys/fs/cgroup", mount: "/sys/fs/cgroup",
		},
		{
			name:    "the second mount shows it",
			cgroups: "0::/b/c\n",
			mounts:  "30 23 0:26 /a /mnt/a rw - cgroup2 cgroup rw\n31 23 0:26 /b /mnt/b rw - cgroup2 cgroup rw\n",
			dir:     "/mnt/b/c", mount: "/mnt/b",
		},
		{
			name:    "another's part, with the same beginning",
			cgroups: "0::/docker/abcd\n",
			mounts:  "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n",
			err:     "no mount of cgroup2 shows",
		},
		{
			name:    "blanks",
			cgroups: "0::/my group\n",
			mounts:  "30 23 0:26 / /mnt/my\\040cgroups\\134 rw - cgroup2 cgroup rw\n",
			dir:     `/mnt/my cgroups\/my group`, mount: `/mnt/my cgroups\`,
		},
		{name: "outside of the namespace", cgroups: "0::/../other\n", mounts: plain, err: "outside of its cgroup namespace"},
		{name: "version 1 alone", cgroups: "4:memory:/x\n", mounts: plain, err: "in no cgroup of version 2"},
		{name: "not mounted", cgroups: "0::/x\n", mounts: "22 1 0:20 / /proc rw - proc proc rw\n", err: "not mounted"},
		{name: "nothing", err: "in no cgroup"},
		{name: "garbage", cgroups: "0::\x00\n0::", mounts: " - cgroup2 \n- \n\n", err: "in no cgroup"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir, mount, err := child.OwnGroup(test.cgroups, test.mounts)
			if dir != test.dir || mount != test.mount {
				t.Errorf("%q in %q, want %q in %q", dir, mount, test.dir, test.mount)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}
