package plugin

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// A cgroup holds one plugin process and its children to limits, below the host's own
// group, which must be delegated to the host. It speaks to the unified hierarchy of
// version 2, and to the hierarchies of version 1 where a controller is in one of
// those. A nil group has no limits.
type cgroup struct {
	name    string
	folders map[string]string // by controller, of the groups that have been made
	parents map[string]string // by controller, the host's own group
	unified bool
}

var cgroups atomic.Uint64 // numbers the groups of this process

var errNoGroup = errors.New("no cgroup has a controller for it that the host may use")

// newCgroup finds where a group may be made; it makes none yet.
func newCgroup(plugin string) *cgroup {
	g := &cgroup{
		name:    fmt.Sprintf("roster-%d-%d-%s", os.Getpid(), cgroups.Add(1), plugin),
		folders: map[string]string{}, parents: map[string]string{},
	}
	own, err := ownGroups()
	if err != nil {
		return g
	}
	for _, m := range cgroupMounts() {
		controllers := m.options
		if m.version == 2 {
			text, _ := os.ReadFile(filepath.Join(m.path, own[""], "cgroup.controllers"))
			controllers = strings.Fields(string(text))
		}
		for _, controller := range controllers {
			path, known := own[controller]
			if m.version == 2 {
				path, known = own[""], true
			}
			if _, taken := g.parents[controller]; !taken && known {
				g.parents[controller] = filepath.Join(m.path, path)
				g.unified = g.unified || m.version == 2
			}
		}
	}
	return g
}

// ownGroups are the groups of this process: by controller those of version 1, and
// under "" that of version 2.
func ownGroups() (map[string]string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err //nolint:wrapcheck // it only means that there are none
	}
	groups := map[string]string{}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) //nolint:mnd // number, controllers and path
		if len(parts) < 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			groups[controller] = parts[2]
		}
	}
	return groups, nil
}

type cgroupMount struct {
	path    string
	version int
	options []string
}

// cgroupMounts reads them from mountinfo, whose fields proc(5) describes.
func cgroupMounts() []cgroupMount {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	var mounts []cgroupMount
	for lines := bufio.NewScanner(file); lines.Scan(); {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		const pointField = 4
		if !ok || len(left) <= pointField || len(right) < 3 {
			continue
		}
		m := cgroupMount{path: left[pointField], options: strings.Split(right[2], ",")}
		switch right[0] {
		case "cgroup2":
			m.version = 2
		case "cgroup":
			m.version = 1
		default:
			continue
		}
		mounts = append(mounts, m)
	}
	return mounts
}

// folder makes the group for a controller.
func (g *cgroup) folder(controller string) (string, error) {
	if made, ok := g.folders[controller]; ok {
		return made, nil
	}
	parent, ok := g.parents[controller]
	if !ok {
		return "", errNoGroup
	}
	if g.unified && !g.isV1(controller) {
		if err := writeGroup(parent, "cgroup.subtree_control", "+"+controller); err != nil {
			return "", fmt.Errorf("the cgroup is not delegated to the host: %w", err)
		}
	}
	path := filepath.Join(parent, g.name)
	if err := os.Mkdir(path, 0o750); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("cgroup: %w", err)
	}
	g.folders[controller] = path
	return path, nil
}

func (g *cgroup) isV1(controller string) bool {
	_, err := os.Stat(filepath.Join(g.parents[controller], "cgroup.controllers"))
	return err != nil
}

func writeGroup(folder, file, value string) error {
	err := os.WriteFile(filepath.Join(folder, file), []byte(value), 0) // the file is there
	if err != nil {
		return fmt.Errorf("cgroup: %w", err)
	}
	return nil
}

// memory limits memory and swap together.
func (g *cgroup) memory(bytes uint64) error {
	folder, err := g.folder("memory")
	if err != nil {
		return err
	}
	value := strconv.FormatUint(bytes, 10)
	if g.isV1("memory") {
		if err := writeGroup(folder, "memory.limit_in_bytes", value); err != nil {
			return err
		}
		_ = writeGroup(folder, "memory.memsw.limit_in_bytes", value) // not there without swap accounting
		return nil
	}
	_ = writeGroup(folder, "memory.swap.max", "0") // not there without swap
	return writeGroup(folder, "memory.max", value)
}

func (g *cgroup) processes(n uint64) error {
	folder, err := g.folder("pids")
	if err != nil {
		return err
	}
	return writeGroup(folder, "pids.max", strconv.FormatUint(n, 10))
}

// cpus limits the time in each period of 100 ms.
func (g *cgroup) cpus(share float64) error {
	folder, err := g.folder("cpu")
	if err != nil {
		return err
	}
	const period = 100_000 // µs
	quota := strconv.FormatInt(int64(share*period), 10)
	if g.isV1("cpu") {
		return errors.Join(
			writeGroup(folder, "cpu.cfs_period_us", strconv.Itoa(period)),
			writeGroup(folder, "cpu.cfs_quota_us", quota))
	}
	return writeGroup(folder, "cpu.max", quota+" "+strconv.Itoa(period))
}

// made lists the groups, each once.
func (g *cgroup) made() []string {
	if g == nil {
		return nil
	}
	var list []string
	for _, folder := range g.folders {
		if !slices.Contains(list, folder) {
			list = append(list, folder)
		}
	}
	return list
}

// add moves a process into the group.
func (g *cgroup) add(pid int) error {
	var errs []error
	for _, folder := range g.made() {
		errs = append(errs, writeGroup(folder, "cgroup.procs", strconv.Itoa(pid)))
	}
	return errors.Join(errs...)
}

// oomKills is how many processes of the group were ended for want of memory.
func (g *cgroup) oomKills() int {
	if g == nil {
		return 0
	}
	for _, file := range []string{"memory.events", "memory.oom_control"} {
		text, _ := os.ReadFile(filepath.Join(g.folders["memory"], file))
		for line := range strings.Lines(string(text)) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
				kills, _ := strconv.Atoi(n)
				return kills
			}
		}
	}
	return 0
}

// remove removes the group, whose processes have ended. One that has a process which
// the kernel has not let go of yet stays behind.
func (g *cgroup) remove() {
	for _, folder := range g.made() {
		_ = os.Remove(folder)
	}
}
