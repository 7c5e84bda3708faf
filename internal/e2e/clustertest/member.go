package clustertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stopLimit bounds how long a member may take to end after SIGTERM.
const stopLimit = 30 * time.Second

// shownLog is how much of a member's log a failed test shows.
const shownLog = 64 << 10

// A member is one member of the cluster, whether its process runs or not.
type member struct {
	name     string
	dataDir  string
	peerURL  string // as advertised
	clientAt string // where the process listens for clients, a host and a port
	peerAt   string // where it listens for peers
	link     *Link  // in front of clientAt
	gateway  *gateway
	log      logBuffer

	mu      sync.Mutex // guards process
	process *process   // nil until the first start and after the test has ended it
}

// A process is a running member.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer     // the process ends when this is closed
	exited chan struct{} // closed when the process is gone
	how    error         // set before exited is closed
}

// newMember reserves all that member k has for as long as the test runs.
func newMember(tb testing.TB, dir string, k int) *member {
	tb.Helper()
	m := &member{
		name:     fmt.Sprintf("member%d", k),
		peerURL:  "http://" + advertisedPeer(k).String(),
		clientAt: freeAddress(tb),
		peerAt:   freeAddress(tb),
		gateway:  newGateway(tb),
	}
	m.dataDir = filepath.Join(dir, m.name)
	m.link = NewLink(tb, m.clientAt)
	return m
}

// start starts the process with the flags.
func (m *member) start(tb testing.TB, flags []string) {
	tb.Helper()
	if m.running() != nil {
		tb.Fatalf("%s is running already", m.name)
	}
	// The process outlives the context of the test, so that what the test cleans up still
	// has a cluster.
	cmd := exec.CommandContext(context.WithoutCancel(tb.Context()), program(tb, memberProgram), flags...)
	cmd.Env = append(plainEnv(), "HTTP_PROXY=socks5://"+m.gateway.address)
	cmd.Stdout, cmd.Stderr = &m.log, &m.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &process{cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	go func() {
		p.how = cmd.Wait()
		close(p.exited)
	}()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process = p
}

// running gives the process, or nil when the test has not started it or has ended it.
func (m *member) running() *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.process
}

// signal sends a signal to the process if there is one, and gives it to wait for.
func (m *member) signal(tb testing.TB, signal os.Signal) *process {
	tb.Helper()
	m.mu.Lock()
	p := m.process
	m.process = nil
	m.mu.Unlock()
	if p == nil {
		return nil
	}
	select {
	case <-p.exited:
		tb.Errorf("%s had ended by itself: %v", m.name, p.how)
	default:
		_ = p.cmd.Process.Signal(signal) // it may end by itself just now
	}
	return p
}

// wait waits until the process is gone. One that does not end is killed and is an error.
func (p *process) wait(tb testing.TB) {
	tb.Helper()
	if p == nil {
		return
	}
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		tb.Errorf("process %d was not gone %v after it was told to", p.cmd.Process.Pid, stopLimit)
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	_ = p.stdin.Close()
}

// plainEnv is the environment without what etcd, its tools or net/http would take as
// settings.
func plainEnv() []string {
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if strings.HasPrefix(upper, "ETCD") || strings.HasSuffix(upper, "_PROXY") || upper == "REQUEST_METHOD" {
			continue
		}
		env = append(env, entry)
	}
	return env
}

// ports hands out each port once per process.
var ports struct {
	mu   sync.Mutex // guards next
	next int        // 0 until the first
}

// freeAddress finds a port of 127.0.0.1 on which nobody listens and which the system does
// not give to outgoing connections: Linux gives from 32768 on, others from 49152 on.
func freeAddress(tb testing.TB) string {
	tb.Helper()
	const (
		first = 20_000
		count = 12_000
	)
	ports.mu.Lock()
	defer ports.mu.Unlock()
	if ports.next == 0 {
		ports.next = os.Getpid() * 101 // processes that start together begin apart
	}
	for range count {
		ports.next++
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first+ports.next%count))
		listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", address)
		if err != nil {
			continue
		}
		if err := listener.Close(); err != nil {
			tb.Fatal(err)
		}
		return address
	}
	tb.Fatalf("no free port from %d to %d", first, first+count-1)
	return ""
}

// A logBuffer collects a process's log.
type logBuffer struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p) //nolint:wrapcheck // a buffer has no error
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// tail is the end of the log.
func (b *logBuffer) tail() string {
	text := b.String()
	if len(text) <= shownLog {
		return text
	}
	return "[...]" + text[len(text)-shownLog:]
}
