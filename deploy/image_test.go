package deploy

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

var (
	imageEnv   = regexp.MustCompile(`(?m)^ENV (CGO_ENABLED=.*)$`)
	imageBuild = regexp.MustCompile(`(?m)^RUN (go build .*)$`)
)

// imageProgram runs the line of the Dockerfile that builds, with another place for the result.
func imageProgram(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	env, build := imageEnv.FindSubmatch(text), imageBuild.FindSubmatch(text)
	if env == nil || build == nil || !strings.Contains(string(build[1]), " /out/roster ") {
		t.Fatal("the Dockerfile does not build /out/roster in one line after ENV CGO_ENABLED")
	}
	output := filepath.Join(t.TempDir(), "roster")
	cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(string(build[1]), "/out/roster", output, 1))
	cmd.Dir, cmd.Env = repository(t), append(append(os.Environ(), inWorkspace), strings.Fields(string(env[1]))...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build[1], err, out)
	}
	return output
}

// neededBy lists what a program needs besides itself: there are no libraries and no loader of them in an empty image.
func neededBy(t *testing.T, path string) []string {
	t.Helper()
	program, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	needed, err := program.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range program.Progs {
		if part.Type == elf.PT_INTERP {
			needed = append(needed, "a loader")
		}
	}
	return needed
}

// What the image has is enough: the daemon serves, a plugin runs, the health check succeeds, in a root folder that
// holds the files of the image and is read-only, as a user without privileges.
func TestImageServesFromAReadOnlyRoot(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("changing the root folder takes root on Linux")
	}
	built := imageProgram(t)
	if needed := neededBy(t, built); len(needed) > 0 {
		t.Errorf("the program of the image is not static, it needs %q", needed)
	}
	root := t.TempDir()
	for _, folder := range []string{"var/lib/roster", "tmp", "proc", "dev", "etc/ssl/certs"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"roster": text, "dev/null": nil, "dev/urandom": nil} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// The mounts are in a namespace of their own, and the program sees nothing but the root folder.
	const script = `
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o mode=0700,uid=65532,gid=65532 tmpfs "$1/var/lib/roster"
mount -t tmpfs -o mode=0700,uid=65532,gid=65532 tmpfs "$1/tmp"
mount -t proc -o ro proc "$1/proc"
mount --bind /dev/null "$1/dev/null"
mount --bind /dev/urandom "$1/dev/urandom"
cd "$1"
exec chroot --userspec=65532:65532 "$1" /roster up --listen 127.0.0.1:0`
	cmd := exec.CommandContext(t.Context(), program(t, "unshare", "util-linux"), "--mount", "--propagation", "private", "sh", "-euc", script, "sh", root)
	cmd.Env = []string{"XDG_STATE_HOME=/var/lib", "PATH=" + os.Getenv("PATH")}
	d := startDaemon(t, cmd)
	inside, _ := os.Readlink(fmt.Sprintf("/proc/%d/root", d.cmd.Process.Pid))
	if inside != root {
		t.Errorf("the daemon runs in %s", inside)
	}
	for _, arguments := range [][]string{
		{"ls", "capabilities"}, // the health check
		{"call", "text.stats", `{"text": "one two"}`},
	} {
		call := exec.CommandContext(t.Context(), built, arguments...)
		call.Env = append(os.Environ(), "ROSTER_ADDRESS="+d.url)
		if out, err := call.CombinedOutput(); err != nil || !strings.Contains(string(out), "text.stats") && !strings.Contains(string(out), `"words":2`) {
			t.Errorf("roster %q: %v\n%s", arguments, err, out)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil || !strings.Contains(string(status), "Uid:\t65532\t65532\t65532\t65532") {
		t.Errorf("it does not run as the user of the image: %v", err)
	}
}

func TestHealthCheckOfTheImageIsACommand(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	check := regexp.MustCompile(`HEALTHCHECK .*CMD \["/roster", "ls", "capabilities"\]`)
	if !check.Match(text) {
		t.Error("the health check is not the one that TestImageServesFromAReadOnlyRoot runs")
	}
}
