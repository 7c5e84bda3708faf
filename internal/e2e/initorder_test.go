package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// largePrograms are of others, by the module that has them. They take minutes to build and
// need the module proxy, so they run under make soak only.
var largePrograms = []struct {
	name, module, pkg string
	args              []string
}{
	{"goimports", "golang.org/x/tools@v0.52.0", "golang.org/x/tools/cmd/goimports", []string{"-h"}},
	{"migrate", "github.com/golang-migrate/migrate/v4@v4.20.1", "github.com/golang-migrate/migrate/v4/cmd/migrate", []string{"-version"}},
	{"caddy", "github.com/caddyserver/caddy/v2@v2.11.9", "github.com/caddyserver/caddy/v2/cmd/caddy", []string{"version"}},
	{"coredns", "github.com/coredns/coredns@v1.15.0", "github.com/coredns/coredns", []string{"-version"}},
	{"promtool", "github.com/prometheus/prometheus@v0.316.0", "github.com/prometheus/prometheus/cmd/promtool", []string{"--version"}},
	{"rclone", "github.com/rclone/rclone@v1.76.0", "github.com/rclone/rclone", []string{"version"}},
}

// TestInitOrderOfLargePrograms compares what roster init-order says of a package and of a
// binary with the trace of the program itself; --trace fails where they part.
func TestInitOrderOfLargePrograms(t *testing.T) {
	if os.Getenv("ROSTER_SOAK") == "" {
		t.Skip("it downloads and builds large programs: set ROSTER_SOAK=1")
	}
	roster := buildPrograms(t).roster
	for _, p := range largePrograms {
		t.Run(p.name, func(t *testing.T) {
			dir := t.TempDir()
			goIn(t, dir, "mod", "init", "example.com/soak")
			goIn(t, dir, "get", p.module)
			goIn(t, dir, "build", "-o", "program", p.pkg)

			ctx, cancel := context.WithTimeout(t.Context(), startLimit)
			defer cancel()
			program := exec.CommandContext(ctx, filepath.Join(dir, "program"), p.args...)
			program.Env = append(os.Environ(), "GODEBUG=inittrace=1")
			var trace strings.Builder
			program.Stderr = &trace
			_ = program.Run() // what it prints is what counts
			if err := os.WriteFile(filepath.Join(dir, "trace"), []byte(trace.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, target := range []string{p.pkg, "./program"} {
				began := time.Now()
				cmd := exec.CommandContext(t.Context(), roster, "init-order", target, "--trace", "trace")
				cmd.Dir = dir
				cmd.Env = modEnv()
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%s: %v\n%.2000s", target, err, out)
					continue
				}
				t.Logf("%s: %d packages, %d registrations, %v", target, strings.Count(trace.String(), "\ninit ")+1,
					strings.Count(string(out), "\n  "), time.Since(began).Round(time.Millisecond))
			}
		})
	}
}

// TestBuildWithDownloadedProviders links two real drivers into the SQL example.
func TestBuildWithDownloadedProviders(t *testing.T) {
	if os.Getenv("ROSTER_SOAK") == "" {
		t.Skip("it downloads drivers: set ROSTER_SOAK=1")
	}
	output := filepath.Join(t.TempDir(), "sqlhost")
	cmd := exec.CommandContext(t.Context(), buildPrograms(t).roster, "build", "./examples/sqlhost",
		"--with", "github.com/lib/pq@v1.12.3", "--with", "github.com/go-sql-driver/mysql@v1.10.1", "-o", output)
	cmd.Dir = docsRoot(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), output).Output()
	if err != nil || string(out) != "drivers: mysql postgres\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func modEnv() []string { return append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off") }

func goIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = modEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%.2000s", strings.Join(args, " "), err, out)
	}
}
