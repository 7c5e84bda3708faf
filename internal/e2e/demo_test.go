package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// demoLimit bounds a demonstration, on a busy machine and with the race detector.
const demoLimit = 5 * time.Minute

var demoProcess = regexp.MustCompile(`(\w+) is ready at (\S+), process (\d+)`)

// demoCommand is roster demo with a folder for temporary data of its own.
func demoCommand(ctx context.Context, t *testing.T, args ...string) (command *exec.Cmd, temporary string) {
	t.Helper()
	temporary = t.TempDir()
	command = exec.CommandContext(ctx, buildPrograms(t).roster, append([]string{"demo"}, args...)...)
	command.Env = append(os.Environ(), "TMPDIR="+temporary)
	return command, temporary
}

// checkGone fails the test if anything is left of a demonstration.
func checkGone(t *testing.T, output, temporary string) {
	t.Helper()
	found := demoProcess.FindAllStringSubmatch(output, -1)
	if len(found) != 3 {
		t.Fatalf("%d daemons have started:\n%s", len(found), output)
	}
	for _, m := range found {
		pid, err := strconv.Atoi(m[3])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d of region %s is still there: %v", pid, m[1], err)
		}
	}
	left, err := os.ReadDir(temporary)
	if err != nil || len(left) > 0 {
		t.Errorf("the temporary data is still there: %v, %v", left, err)
	}
}

// The demonstration shows everything that it promises, and leaves nothing behind.
func TestDemo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), demoLimit)
	defer cancel()
	command, temporary := demoCommand(ctx, t, "--once", "--drill", "2s")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout.String(), stderr.String())
	}
	output := stdout.String()
	rest := output
	for _, want := range []string{
		`eu is ready at http://`, `us is ready at http://`, `ap is ready at http://`,
		`demo\.greet at ap was served by greeting on eu-1 \(region eu\)`,
		`swapped from 1\.0\.0 to 2\.0\.0`, `\d+ calls answered by 1\.0\.0, \d+ by 2\.0\.0, 0 failed`,
		`eu wrote demo/price = 11, us wrote demo/price = 12`, `all agree on 1[12] .* lost and is recorded`,
		`replication is cut between all regions`,
		`ap-1 in ap: acked after`, `eu-1 in eu: acked after`, `us-1 in us: acked after`,
		`acknowledged by all in`, `is killed by demo`,
		`revived capability/demo\.greet with epoch 2`,
		`eu plays dead for 2s`, `all regions have converged`, `NOTHING LOST`, `\| lost \| 0 \|`,
		`ap  console http://\S+/debug/registry  metrics http://\S+/metrics`,
	} {
		at := regexp.MustCompile(want).FindStringIndex(rest)
		if at == nil {
			t.Fatalf("%q is not there, or not in its place:\n%s", want, output)
		}
		rest = rest[at[1]:]
	}
	checkGone(t, output, temporary)
}

// Without --once the regions stay until an interrupt. A claim that does not hold is a failure.
func TestDemoEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), demoLimit)
	defer cancel()
	command, temporary := demoCommand(ctx, t, "--drill", "1s")
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var output strings.Builder
	lines := bufio.NewReader(stdout)
	for !strings.Contains(output.String(), "Ctrl-C") {
		line, err := lines.ReadString('\n')
		output.WriteString(line)
		if err != nil {
			t.Fatalf("%v\n%s", err, output.String())
		}
	}
	for _, m := range demoProcess.FindAllStringSubmatch(output.String(), -1) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m[2]+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v, %v", m[1], res, err)
		}
		_ = res.Body.Close()
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, lines)
	if err := command.Wait(); err != nil {
		t.Errorf("after an interrupt: %v", err)
	}
	checkGone(t, output.String(), temporary)

	command, temporary = demoCommand(ctx, t, "--once", "--drill", "1ms") // a drill that is refused
	var stderr bytes.Buffer
	command.Stderr = &stderr
	err = command.Run()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), `failed at "a drill"`) {
		t.Errorf("a claim that does not hold: %v\n%s", err, stderr.String())
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("the temporary data is still there: %v, %v", left, err)
	}
}
