package systemd_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/systemd"
)

// manager listens as systemd does.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd") //nolint:usetesting // the path of a unix socket has to stay short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Skipf("no datagram sockets here: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", socket)
	return conn
}

func receive(t *testing.T, conn *net.UnixConn) string {
	t.Helper()
	text := make([]byte, 1024)
	n, err := conn.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[:n])
}

func TestNotifierSaysHowItStands(t *testing.T) {
	conn := manager(t)
	n, err := systemd.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("NOTIFY_SOCKET") != "" {
		t.Error("processes that are started from here can speak for this one")
	}
	for want, say := range map[string]func() error{
		"READY=1\nSTATUS=all is well": func() error { return n.Ready("all is well") },
		"RELOADING=1":                 n.Reloading, "STOPPING=1": n.Stopping,
	} {
		if err := say(); err != nil {
			t.Fatal(err)
		}
		if got := receive(t, conn); got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
	if err := n.Watch(t.Context(), func() { t.Error("asked without need") }); err != nil {
		t.Error(err)
	}
}

func TestWatchdogHearsNothingWhileSomethingHangs(t *testing.T) {
	conn := manager(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	n, err := systemd.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	hang, asked, ended := make(chan struct{}), 0, make(chan error, 1)
	go func() {
		ended <- n.Watch(ctx, func() {
			asked++
			if asked > 3 {
				<-hang
			}
		})
	}()
	for range 3 {
		if got := receive(t, conn); got != "WATCHDOG=1" {
			t.Errorf("said %q", got)
		}
	}
	if err := conn.SetDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 64)); err == nil {
		t.Errorf("said %d bytes while it hung", n)
	}
	cancel()
	close(hang)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWatchdogOfAnotherProcessIsNotOurs(t *testing.T) {
	manager(t)
	t.Setenv("WATCHDOG_USEC", "20000")
	t.Setenv("WATCHDOG_PID", "1")
	n, err := systemd.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Watch(t.Context(), func() { t.Error("asked for another process") }); err != nil {
		t.Error(err)
	}
}

func TestNotifierWithoutAManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n, err := systemd.FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Ready("x"); err != nil {
		t.Error(err)
	}
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	if n, err = systemd.FromEnvironment(); err != nil {
		t.Fatal(err)
	}
	if err := n.Ready("x"); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("got error %v", err)
	}
	t.Setenv("NOTIFY_SOCKET", "/nowhere")
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err = systemd.FromEnvironment(); err == nil || !strings.Contains(err.Error(), `"soon"`) {
		t.Errorf("got error %v", err)
	}
}
