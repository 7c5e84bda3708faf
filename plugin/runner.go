package plugin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"github.com/roster-go/roster/plugin/internal/handshake"
)

// Bounds of what a process that has ended may still delay.
const (
	outputGrace = 250 * time.Millisecond // for its last lines, if a grandchild holds the pipes
	killGrace   = 2 * time.Second        // from SIGKILL to gone, which only the kernel can exceed
)

// A processRunner is one plugin process: how it is started, waited for and
// ended. It replaces go-plugin's own runner, whose Kill blocks for ever on a
// stopped process and while a grandchild holds its standard error.
//
// The process leads a process group of its own, dies with the host where the
// system offers that, and has a pipe for standard input that ends with the
// host. All methods are safe for concurrent use.
type processRunner struct {
	name      string
	cmd       *exec.Cmd
	exe       *executable
	socketDir string
	spawner   *spawner
	output    *lineLog
	confined  *confinement // nil without a sandbox

	stdin          *os.File // the host's ends
	stdout, stderr *os.File
	handshake      *handshakeReader
	exited         chan struct{} // closed when the process is reaped and its pipes are closed
	exit           string        // how it ended; set before exited is closed

	mu      sync.Mutex // guards the fields below, and sees to it that no signal meets a reused pid
	started bool
	reaped  bool
	doomed  bool // killed, or to be killed as soon as it has started
}

var _ runner.Runner = (*processRunner)(nil)

// newProcessRunner prepares a process for d. The command comes from go-plugin
// and carries the environment of the handshake.
func newProcessRunner(d Descriptor, cmd *exec.Cmd, exe *executable, socketDir string, s *spawner, output *lineLog) *processRunner {
	cmd.Path = exe.execPath()
	cmd.Args = append([]string{exe.path}, d.Command[1:]...)
	cmd.Dir = d.Dir
	cmd.Env = append(hostEnvironment(), cmd.Env...)
	cmd.Env = append(cmd.Env, handshake.Lifeline+"=stdin")
	if !mutualTLS { // a lane has no keys
		cmd.Env = append(cmd.Env, handshake.Lane+"="+handshake.LaneVersion)
	}
	cmd.Err = nil // of the look-up of the path this command was made with
	isolate(cmd)
	return &processRunner{
		name: d.Name, cmd: cmd, exe: exe, socketDir: socketDir, spawner: s, output: output,
		exited: make(chan struct{}),
	}
}

// hostEnvironment is all that a plugin sees of the host's environment.
func hostEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Start starts the process. It is called once.
func (r *processRunner) Start(context.Context) error {
	var theirs []*os.File
	closeTheirs := func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	}
	defer closeTheirs()
	pipe := func(hostReads bool) (ours, their *os.File, err error) {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, nil, fmt.Errorf("pipe: %w", err)
		}
		if hostReads {
			ours, their = read, write
		} else {
			ours, their = write, read
		}
		theirs = append(theirs, their)
		return ours, their, nil
	}
	var err, err2, err3 error
	var in, out, errOut *os.File
	r.stdin, in, err = pipe(false)
	r.stdout, out, err2 = pipe(true)
	r.stderr, errOut, err3 = pipe(true)
	if err = errors.Join(err, err2, err3); err == nil {
		r.cmd.Stdin, r.cmd.Stdout, r.cmd.Stderr = in, out, errOut
		if r.confined != nil {
			err = r.confined.start(r.spawner.start)
		} else {
			err = r.spawner.start(r.cmd)
		}
	}
	if err != nil {
		if r.confined != nil {
			r.confined.close()
		}
		r.closePipes()
		_ = os.RemoveAll(r.socketDir)
		r.exit = "no process"
		close(r.exited)
		return err
	}
	r.handshake = newHandshakeReader(r.stdout)
	noteProcess(filepath.Dir(r.socketDir), r.cmd.Process.Pid)
	if r.confined != nil {
		r.confined.begin(r.cmd.Process.Pid)
	}
	r.mu.Lock()
	r.started = true
	if r.doomed {
		signalGroup(r.cmd.Process, killSignal)
	}
	r.mu.Unlock()
	errorsDone := make(chan struct{})
	go func() {
		defer close(errorsDone)
		r.output.pump(r.stderr, "stderr")
	}()
	go r.reap(errorsDone)
	return nil
}

// reap waits for the process, ends what it left behind, and closes exited. It
// is the only one who waits for the process.
func (r *processRunner) reap(errorsDone <-chan struct{}) {
	r.waitAndSweep()

	// A grandchild that left the group may hold the pipes open for ever.
	timer := time.NewTimer(outputGrace)
	defer timer.Stop()
	for _, done := range []<-chan struct{}{errorsDone, r.handshake.ended} {
		select {
		case <-done:
		case <-timer.C:
			timer.Reset(0)
		}
	}
	r.closePipes()
	<-errorsDone
	_ = os.RemoveAll(r.socketDir)
	forgetProcess(filepath.Dir(r.socketDir), r.cmd.Process.Pid)
	r.exit = r.cmd.ProcessState.String()
	if r.confined != nil {
		r.exit += r.confined.ended()
	}
	close(r.exited)
}

// controls tells what came of the sandbox, and why the program was not run if it was
// not. It is for a process that has shaken hands or has ended.
func (r *processRunner) controls() (list []Control, refused string) {
	if r.confined == nil {
		return unconfined(), ""
	}
	return r.confined.outcome()
}

func (r *processRunner) closePipes() {
	for _, f := range []*os.File{r.stdin, r.stdout, r.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// signal sends a signal to the whole group unless the process has been reaped.
func (r *processRunner) signal(s groupSignal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doomed = r.doomed || s == killSignal && !r.reaped
	if r.started && !r.reaped {
		signalGroup(r.cmd.Process, s)
	}
}

// ownExit is how the process ended by itself, or "" if it lives or the host
// killed it.
func (r *processRunner) ownExit() string {
	select {
	case <-r.exited:
	default:
		return ""
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.doomed && r.exit == "signal: killed" {
		return ""
	}
	return r.exit
}

// terminate asks the process to end, waits up to grace, and then kills it. It
// reports whether the process is gone, which takes at most grace and
// [killGrace].
func (r *processRunner) terminate(grace time.Duration) bool {
	if r.stdin != nil {
		_ = r.stdin.Close()
	}
	r.signal(terminateSignal)
	if r.gone(grace) {
		return true
	}
	return r.kill()
}

// kill ends the process at once and reports whether it is gone. A process that
// was never started does not count as gone, it only will not start.
func (r *processRunner) kill() bool {
	r.signal(killSignal)
	return r.gone(killGrace)
}

func (r *processRunner) gone(within time.Duration) bool {
	select {
	case <-r.exited:
		return true
	default:
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-r.exited:
		return true
	case <-timer.C:
		return false
	}
}

// Kill implements runner.Runner. go-plugin calls it when the handshake fails.
func (r *processRunner) Kill(context.Context) error {
	r.signal(killSignal)
	return nil
}

// Wait implements runner.Runner.
func (r *processRunner) Wait(ctx context.Context) error {
	select {
	case <-r.exited:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stdout implements runner.Runner.
func (r *processRunner) Stdout() io.ReadCloser { return io.NopCloser(r.handshake) }

// Stderr implements runner.Runner. The host reads standard error itself.
func (r *processRunner) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name implements runner.Runner.
func (r *processRunner) Name() string { return r.name }

// ID implements runner.Runner.
func (r *processRunner) ID() string { return strconv.Itoa(r.pid()) }

func (r *processRunner) pid() int {
	if r.cmd.Process == nil {
		return 0
	}
	return r.cmd.Process.Pid
}

// Diagnose implements runner.Runner.
func (r *processRunner) Diagnose(context.Context) string { return "" }

// PluginToHost refuses any address but a socket in the private directory, so
// that a plugin cannot make the host connect elsewhere.
func (r *processRunner) PluginToHost(network, address string) (hostNetwork, hostAddress string, err error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != filepath.Clean(r.socketDir) {
		return "", "", fmt.Errorf("it listens on %s %q instead of a socket in the directory that it was given", network, address)
	}
	return network, address, nil
}

// HostToPlugin implements runner.Runner.
func (r *processRunner) HostToPlugin(network, address string) (pluginNetwork, pluginAddress string, err error) {
	return network, address, nil
}

// A handshakeReader passes a process's standard output on to go-plugin and
// remembers how it began, for the error if it is no handshake.
type handshakeReader struct {
	from  *bufio.Reader
	ended chan struct{} // closed at the end of the stream
	once  sync.Once

	mu    sync.Mutex // guards begin
	begin []byte
}

const maxHandshakeShown = 120

func newHandshakeReader(r io.Reader) *handshakeReader {
	return &handshakeReader{from: bufio.NewReader(r), ended: make(chan struct{})}
}

func (h *handshakeReader) Read(b []byte) (int, error) {
	n, err := h.from.Read(b)
	h.mu.Lock()
	if room := maxHandshakeShown - len(h.begin); room > 0 {
		h.begin = append(h.begin, b[:min(n, room)]...)
	}
	h.mu.Unlock()
	if err != nil {
		h.once.Do(func() { close(h.ended) })
	}
	return n, err //nolint:wrapcheck // io.Reader's contract
}

// firstLine is how the output began.
func (h *handshakeReader) firstLine() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return oneLine(strings.ToValidUTF8(string(h.begin), "�"))
}
