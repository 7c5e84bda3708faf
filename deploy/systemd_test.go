package deploy

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	unitFile = "systemd/roster.service"

	// maxExposure is how exposed systemd may find the service, from 0 to 10 in tenths. It is 2.5 with what the
	// sandbox of plugins needs, and 9.6 for a unit that says nothing.
	maxExposure = "30"
)

// systemd finds no fault in the unit, and it is hardened. Nothing is started: both commands only read.
func TestUnitIsCorrectAndHardened(t *testing.T) {
	t.Parallel()
	analyze := program(t, "systemd-analyze", "systemd")
	text, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "roster.service") // systemd wants to see the program
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/bin/roster", rosterProgram(t))), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "security", "--offline=true", "--threshold="+maxExposure, path).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The folders and the command of the unit are those of the config and of the snippets beside it.
func TestUnitAndSnippetsAgree(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	config := read("roster.yaml")
	checkConfig(t, filepath.Join(t.TempDir(), "roster.yaml"), config)
	folders := read("roster.tmpfiles.conf")
	for _, folder := range regexp.MustCompile(`(?m)^(?:data|plugins): (.*)$`).FindAllStringSubmatch(config, -1) {
		if !strings.Contains(folders, "d "+folder[1]+" ") {
			t.Errorf("nobody makes %s", folder[1])
		}
	}
	for line := range strings.Lines(folders) {
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "d ") { // D and R empty what they name
			t.Errorf("a line that does more than to make a folder: %s", line)
		}
	}
	user := regexp.MustCompile(`(?m)^User=(.*)$`).FindStringSubmatch(read("roster.service"))
	if len(user) == 0 || !strings.Contains(read("roster.sysusers.conf"), "\nu "+user[1]+" ") {
		t.Errorf("nobody makes the user %q", user)
	}
}

// A daemon tells its service manager when it serves, reads its config again and stops, and that it lives.
func TestDaemonTellsTheServiceManager(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "sd") //nolint:usetesting // the path of a unix socket has to stay short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = manager.Close() })
	if err := manager.SetReadDeadline(time.Now().Add(2 * startLimit)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "roster.yaml")
	if err := os.WriteFile(config, []byte("region: eu\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := upCommand(t, "--config", config)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=200000")
	d := startDaemon(t, cmd)

	await := func(wanted ...string) {
		t.Helper()
		for text := make([]byte, 4096); len(wanted) > 0; {
			n, err := manager.Read(text)
			if err != nil {
				t.Fatalf("waited in vain for %q: %v", wanted, err)
			}
			said := string(text[:n])
			wanted = slices.DeleteFunc(wanted, func(w string) bool { return strings.HasPrefix(said, w) })
		}
	}
	await("READY=1\nSTATUS=", "WATCHDOG=1")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await("RELOADING=1")
	await("READY=1")
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	await("STOPPING=1")
}
