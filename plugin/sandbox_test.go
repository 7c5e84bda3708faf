//go:build linux

package plugin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/roster-go/roster/plugin"
)

// wild describes the plugin that does what it is told to, in a folder of its own.
func wild(t *testing.T, s plugin.Sandbox) plugin.Descriptor {
	t.Helper()
	var capabilities []plugin.Capability
	for _, deed := range []string{"read", "write", "temp", "dial", "listen", "kill", "trace", "run", "who", "eat", "fork", "open", "spin"} {
		capabilities = append(capabilities, plugin.Capability{Name: "wild." + deed})
	}
	d := describe("wild", "wild", capabilities...)
	d.Dir, d.Sandbox = t.TempDir(), s
	return d
}

// try has the wild plugin do something, and returns how it says that went.
func try(t *testing.T, h *plugin.Host, deed string, arguments map[string]any) string {
	t.Helper()
	input, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := h.Call(t.Context(), "wild."+deed, input)
	if err != nil {
		return "lost: " + err.Error()
	}
	var text string
	if err := json.Unmarshal(answer.Output, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// expect checks how a deed goes.
func expect(t *testing.T, h *plugin.Host, want, deed string, arguments map[string]any) {
	t.Helper()
	if got := try(t, h, deed, arguments); !strings.HasPrefix(got, want) {
		t.Errorf("%s %v: got %q, want %q", deed, arguments, got, want)
	}
}

// states are the states of a plugin's controls.
func states(t *testing.T, h *plugin.Host, name string) map[string]plugin.ControlState {
	t.Helper()
	s, err := h.Plugin(name)
	if err != nil {
		t.Fatal(err)
	}
	list := map[string]plugin.ControlState{}
	for _, c := range s.Sandbox {
		if _, twice := list[c.Name]; twice {
			t.Errorf("control %q is there twice", c.Name)
		}
		list[c.Name] = c.State
	}
	return list
}

// A confined plugin does none of what it should not, and the host can prove it.
func TestConfinedPlugin(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket := filepath.Join(t.TempDir(), "s")
	local, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	outside := filepath.Join(t.TempDir(), "outside")
	deeds := []struct {
		deed      string
		arguments map[string]any
	}{
		{"read", map[string]any{"path": "/etc/shadow"}},
		{"read", map[string]any{"path": fmt.Sprintf("/proc/%d/environ", os.Getpid())}},
		{"write", map[string]any{"path": outside}},
		{"dial", map[string]any{"network": "tcp", "address": listener.Addr().String()}},
		{"dial", map[string]any{"network": "udp", "address": "127.0.0.1:53"}},
		{"dial", map[string]any{"network": "unix", "address": socket}},
		{"listen", map[string]any{"network": "tcp", "address": "127.0.0.1:0"}},
		{"kill", map[string]any{"pid": -1 << 30}},
		{"trace", map[string]any{"pid": os.Getpid()}},
		{"run", map[string]any{"path": "unshare -U true"}},
	}

	h := newHost(t, plugin.Options{}.Hasten())
	add(t, h, wild(t, plugin.Sandbox{}))
	for _, d := range deeds { // what it can do without a sandbox, as root or as somebody
		if d.deed != "kill" && d.deed != "trace" && d.deed != "run" && d.arguments["path"] != "/etc/shadow" {
			expect(t, h, "done", d.deed, d.arguments)
		}
	}

	confined := newHost(t, plugin.Options{}.Hasten())
	d := wild(t, plugin.Confined())
	d.Sandbox.Write, d.Sandbox.Strict = []string{"cache"}, true
	add(t, confined, d)
	for name, state := range states(t, confined, "wild") {
		switch name {
		case "user", "memory", "processes", "cpus", "open files", "file size":
			if state != plugin.NotRequested {
				t.Errorf("%s is %s", name, state)
			}
		default:
			if state != plugin.Enforced {
				t.Errorf("%s is %s", name, state)
			}
		}
	}
	for _, deed := range deeds {
		expect(t, confined, "refused", deed.deed, deed.arguments)
	}
	expect(t, confined, "refused", "kill", map[string]any{"pid": os.Getpid()})
	expect(t, confined, "refused", "kill", map[string]any{"pid": os.Getppid()})

	// What it is granted works.
	expect(t, confined, "done", "write", map[string]any{"path": filepath.Join(d.Dir, "cache", "x")})
	expect(t, confined, "refused", "write", map[string]any{"path": filepath.Join(d.Dir, "x")})
	if err := os.WriteFile(filepath.Join(d.Dir, "data"), []byte("four"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, confined, "done: 4", "read", map[string]any{"path": "data"})
	expect(t, confined, "done: "+confined.SocketDir(), "temp", nil)
	expect(t, confined, "done: hi", "run", map[string]any{"path": "echo hi"})
	who := try(t, confined, "who", nil)
	for _, want := range []string{"NoNewPrivs: 1", "Seccomp: 2"} {
		if !strings.Contains(who, want) {
			t.Errorf("%s lacks %s", who, want)
		}
	}
}

// A plugin with ports reaches those, by TCP.
func TestSandboxPorts(t *testing.T) {
	t.Parallel()
	open, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	h := newHost(t, plugin.Options{}.Hasten())
	s := plugin.Confined()
	s.Network, s.Ports = plugin.NetworkPorts, []uint16{uint16(open.Addr().(*net.TCPAddr).Port)}
	add(t, h, wild(t, s))
	expect(t, h, "done", "dial", map[string]any{"network": "tcp", "address": open.Addr().String()})
	expect(t, h, "refused", "dial", map[string]any{"network": "tcp", "address": closed.Addr().String()})
	expect(t, h, "refused", "dial", map[string]any{"network": "udp", "address": "127.0.0.1:53"})
	expect(t, h, "refused", "listen", map[string]any{"network": "tcp", "address": "127.0.0.1:0"})
	if state := states(t, h, "wild")["network"]; state != plugin.Degraded {
		t.Errorf("ports are %s", state) // an honest word: by port, not by address
	}
}

// Limits end what exceeds them, and the error says so.
func TestSandboxLimits(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	s := plugin.Sandbox{OpenFiles: 64, FileSize: 1 << 20, Memory: 256 << 20, Processes: 40, CPUs: 0.5}
	add(t, h, wild(t, s))
	got := states(t, h, "wild")
	for _, name := range []string{"open files", "file size", "no new privileges"} {
		if got[name] != plugin.Enforced {
			t.Errorf("%s is %s", name, got[name])
		}
	}
	expect(t, h, "refused: after", "open", map[string]any{"count": 100})
	expect(t, h, "refused", "write", map[string]any{"path": filepath.Join(t.TempDir(), "x"), "mib": 2})
	if got["processes"] == plugin.Enforced {
		expect(t, h, "refused: after", "fork", map[string]any{"count": 100})
	}
	eaten := try(t, h, "eat", map[string]any{"mib": 1000})
	if got["memory"] == plugin.Enforced && !strings.Contains(eaten, "out of memory: its limit is 268435456 bytes") || strings.HasPrefix(eaten, "done") {
		t.Errorf("memory is %s: %s", got["memory"], eaten)
	}
	// The host and the next process are well.
	eventually(t, "a new process", func() bool { return strings.HasPrefix(try(t, h, "who", nil), "done") })
}

// What a plugin leaves behind in its own namespace ends with it, even a process that
// has left the group.
func TestNothingSurvivesItsNamespace(t *testing.T) {
	t.Parallel()
	marker := fmt.Sprintf("36%d", os.Getpid())
	h := newHost(t, plugin.Options{}.Hasten())
	s := plugin.Sandbox{Namespaces: true}
	add(t, h, wild(t, s))
	expect(t, h, "done", "run", map[string]any{"path": "setsid -f sleep " + marker + " >/dev/null 2>&1 </dev/null"})
	alive := func() bool {
		out, _ := exec.CommandContext(t.Context(), "pgrep", "-f", "^sleep "+marker).Output()
		return len(out) > 0
	}
	eventually(t, "the grandchild", alive)
	if err := h.Remove(t.Context(), "wild"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "its end", func() bool { return !alive() })
}

// As root the plugin can run as somebody else.
func TestSandboxUser(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	for name, s := range map[string]plugin.Sandbox{
		"alone":         {User: "nobody"},
		"by number":     {User: "65534"},
		"with the rest": func() plugin.Sandbox { s := plugin.Confined(); s.User = "nobody"; return s }(),
	} {
		d := wild(t, s)
		openTo(t, d.Dir)
		d.Command[0] = copyOf(t, testPlugin, filepath.Join(d.Dir, "plugin"))
		add(t, h, d)
		state := states(t, h, "wild")["user"]
		who := try(t, h, "who", nil)
		switch {
		case os.Geteuid() == 0 && (state != plugin.Enforced || !strings.Contains(who, "Uid: 65534 65534") && !strings.Contains(who, "Uid: 65534")):
			t.Errorf("%s: user is %s: %s", name, state, who)
		case os.Geteuid() == 65534 && state != plugin.Enforced: // it is that user
			t.Errorf("%s: user is %s", name, state)
		case os.Geteuid() != 0 && os.Geteuid() != 65534 && state != plugin.Unavailable:
			t.Errorf("%s: user is %s", name, state)
		}
		if err := h.Remove(t.Context(), "wild"); err != nil {
			t.Fatal(err)
		}
	}
	d := wild(t, plugin.Sandbox{User: "no-such-user", Strict: true})
	var start *plugin.StartError
	if err := h.Add(t.Context(), d); !errors.As(err, &start) || start.Step != "sandbox" || !strings.Contains(err.Error(), `user (unavailable: there is no user "no-such-user")`) {
		t.Errorf("%v", err)
	}
}

// openTo lets every user pass to a folder below the one for temporary files.
func openTo(t *testing.T, dir string) {
	t.Helper()
	for ; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// The host's policy wins.
func TestSandboxPolicy(t *testing.T) {
	t.Parallel()
	policy := plugin.Confined()
	policy.Write, policy.Read = []string{"."}, []string{"/usr/share"}
	policy.Memory = 512 << 20
	h := newHost(t, plugin.Options{Sandbox: policy}.Hasten())
	for want, s := range map[string]plugin.Sandbox{
		`does not let plugins read "/etc/shadow"`: {Files: true, Read: []string{"/etc/shadow"}},
		`does not let plugins write "/var"`:       {Files: true, Write: []string{"/var"}},
		`does not let plugins write "../x"`:       {Files: true, Write: []string{"../x"}},
		`connect to port 80`:                      {Network: plugin.NetworkPorts, Ports: []uint16{80}},
	} {
		var wrong *plugin.DescriptorError
		if err := h.Add(t.Context(), wild(t, s)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	add(t, h, wild(t, plugin.Sandbox{Files: true, Read: []string{"/usr/share/zoneinfo"}, Write: []string{"cache"}}))
	for _, name := range []string{"files", "network", "system calls", "namespaces"} {
		if got := states(t, h, "wild")[name]; got != plugin.Enforced {
			t.Errorf("%s is %s", name, got)
		}
	}
	expect(t, h, "refused", "dial", map[string]any{"network": "tcp", "address": "127.0.0.1:80"})
	if err := h.Remove(t.Context(), "wild"); err != nil {
		t.Fatal(err)
	}

	// One that asks for nothing gets nothing, not all that it might have asked for.
	d := wild(t, plugin.Sandbox{})
	add(t, h, d)
	expect(t, h, "refused", "write", map[string]any{"path": filepath.Join(d.Dir, "plugin.yaml")})

	// And nobody comes in who was started elsewhere.
	if err := h.Add(t.Context(), plugin.Descriptor{Name: "x", APIVersion: "v1", Attach: "/socket", Capabilities: []plugin.Capability{{Name: "x.y"}}}); err == nil ||
		!strings.Contains(err.Error(), "cannot for one that somebody else has started") {
		t.Errorf("%v", err)
	}
}

// A link that leads out of the folder is no way to write elsewhere.
func TestSandboxLinks(t *testing.T) {
	t.Parallel()
	h := newHost(t, plugin.Options{}.Hasten())
	d := wild(t, plugin.Sandbox{Files: true, Write: []string{"cache"}})
	if err := os.Symlink(t.TempDir(), filepath.Join(d.Dir, "cache")); err != nil {
		t.Fatal(err)
	}
	if err := h.Add(t.Context(), d); err == nil || !strings.Contains(err.Error(), "cache leads out of the plugin's folder") {
		t.Errorf("%v", err)
	}
}

func TestSandboxInDescriptor(t *testing.T) {
	t.Parallel()
	const head = "name: x\napi_version: v1\ncommand: ./x\ncapabilities: [x.y]\n"
	for text, want := range map[string]plugin.Sandbox{
		"":            {},
		"sandbox: {}": plugin.Confined(),
		"sandbox: {read: any, network: any, syscalls: any, namespaces: false}": {},
		"sandbox: {read: [/a], write: [b], network: [443, 5432], memory: 64MiB, processes: 9, cpus: 0.5, open_files: 7, file_size: 1GB, user: nobody, strict: true}": {
			Files: true, Read: []string{"/a"}, Write: []string{"b"}, Network: plugin.NetworkPorts, Ports: []uint16{443, 5432},
			Syscalls: true, Namespaces: true, Memory: 64 << 20, Processes: 9, CPUs: 0.5, OpenFiles: 7, FileSize: 1e9, User: "nobody", Strict: true,
		},
	} {
		d, err := plugin.ParseDescriptor("x/plugin.yaml", []byte(head+text))
		if err != nil || fmt.Sprintf("%+v", d.Sandbox) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s:\n got %+v %v\nwant %+v", text, d.Sandbox, err, want)
		}
	}
	for text, want := range map[string]string{
		"sandbox: yes":                     `plugin.yaml:5:10: sandbox is "yes" where a mapping belongs`,
		"sandbox: {reed: [a]}":             `unknown field "reed" (did you mean "read"?); known fields: cpus, `,
		"sandbox: {network: some}":         `sandbox.network is "some"; write "any" or "none"`,
		"sandbox: {network: [0]}":          `sandbox.network[0] is "0"; write a TCP port from 1 to 65535`,
		"sandbox: {network: []}":           `the list of ports is empty`,
		"sandbox: {memory: much}":          `sandbox.memory is "much"; write a number of bytes, as in: 512MiB`,
		"sandbox: {memory: 1KiB}":          `memory 1024 is below the least`,
		"sandbox: {cpus: -1}":              `sandbox.cpus is "-1"`,
		"sandbox: {processes: 0}":          `sandbox.processes is "0"; write a positive integer`,
		"sandbox: {read: any, write: [a]}": `write is a list, but read: any leaves files open`,
		"sandbox: {strict: maybe}":         `write true or false`,
		"sandbox: {write: a}":              `sandbox.write is "a" where a list belongs`,
	} {
		if _, err := plugin.ParseDescriptor("x/plugin.yaml", []byte(head+text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
}
