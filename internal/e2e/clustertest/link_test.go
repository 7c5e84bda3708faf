package clustertest_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/e2e/clustertest"
)

// limit bounds what ought to take milliseconds.
const limit = 10 * time.Second

// silence is how long a test listens to make sure that nothing comes. Too short a time can
// only hide a fault, not make one.
const silence = 50 * time.Millisecond

// echo is a server that sends back what it gets, up to the end. It gives its address.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				io.Copy(conn, conn)
				conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

func dial(t *testing.T, link *clustertest.Link) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", link.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn)
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(limit))
	got := make([]byte, len(want))
	if n, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

func expectSilence(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(silence))
	var buffer [64]byte
	if n, err := conn.Read(buffer[:]); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %q, %v; want nothing", buffer[:n], err)
	}
}

// expectBroken wants the connection to end with an error within the limit.
func expectBroken(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(limit))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is not broken: %v", err)
	}
}

// expectRefused wants a new connection to fail, be it while it is made or right after.
func expectRefused(t *testing.T, link *clustertest.Link) {
	t.Helper()
	conn, err := net.Dial("tcp", link.Address())
	if err != nil {
		return
	}
	defer conn.Close()
	expectBroken(t, conn)
}

func TestLinkPassesBothWaysUpToTheEnd(t *testing.T) {
	link := clustertest.NewLink(t, echo(t))
	conn := dial(t, link)
	send(t, conn, "hello")
	expect(t, conn, "hello")
	send(t, conn, "bye")
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, conn, "bye")
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d bytes, %v; want the end", n, err)
	}
	if got := link.Count(); got != 1 {
		t.Errorf("count %d; want 1", got)
	}
}

func TestLinkCutBreaksAndRefuses(t *testing.T) {
	link := clustertest.NewLink(t, echo(t))
	conn := dial(t, link)
	send(t, conn, "hello")
	expect(t, conn, "hello")

	link.Cut()
	expectBroken(t, conn)
	expectRefused(t, link)
	if got := link.Count(); got != 1 {
		t.Errorf("count %d while cut; want 1", got)
	}

	link.Mend()
	again := dial(t, link)
	send(t, again, "again")
	expect(t, again, "again")
	if got := link.Count(); got != 2 {
		t.Errorf("count %d; want 2", got)
	}
}

func TestLinkHoldIsSilentAndLosesNothing(t *testing.T) {
	link := clustertest.NewLink(t, echo(t))
	conn := dial(t, link)
	send(t, conn, "hello")
	expect(t, conn, "hello")

	link.Hold()
	send(t, conn, "one")
	expectSilence(t, conn)
	late := dial(t, link)
	send(t, late, "two")
	expectSilence(t, late)

	link.Mend()
	expect(t, conn, "one")
	expect(t, late, "two")
}

func TestLinkHoldHidesThatTheTargetIsGone(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	link := clustertest.NewLink(t, target.Addr().String())
	conn := dial(t, link)
	server, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	link.Hold()
	server.Close()
	expectSilence(t, conn)
	link.Mend()
	expectBroken(t, conn)
}

// The target does not read, so writes are under way when the link is held.
func TestLinkHoldStopsWritesUnderWay(t *testing.T) {
	target, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	link := clustertest.NewLink(t, target.Addr().String())
	conn := dial(t, link)
	server, err := target.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	want := make([]byte, 64<<20)
	for i := range want {
		want[i] = byte(i / 251) // no period is a power of two
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		conn.Write(want)
		conn.CloseWrite()
	})
	defer sending.Wait()

	var got bytes.Buffer
	for range 2 {
		if _, err := io.CopyN(&got, server, 1<<20); err != nil {
			t.Fatal(err)
		}
		link.Hold()
		// What the system has buffered is past the link already, and less than half of all.
		drain(t, server, &got)
		if got.Len() > len(want)/2 {
			t.Fatalf("%d bytes came through a link that is held", got.Len())
		}
		expectSilence(t, server)
		server.SetReadDeadline(time.Time{})
		link.Mend()
	}
	if _, err := io.Copy(&got, server); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("got %d bytes that differ from the %d sent", got.Len(), len(want))
	}
}

func TestLinkDelay(t *testing.T) {
	const delay = 60 * time.Millisecond
	link := clustertest.NewLink(t, echo(t))
	conn := dial(t, link)
	send(t, conn, "hello")
	expect(t, conn, "hello")

	link.Delay(delay)
	began := time.Now()
	send(t, conn, "slow")
	expect(t, conn, "slow")
	if took := time.Since(began); took < 2*delay {
		t.Errorf("a round trip took %v; want %v or more", took, 2*delay)
	}

	// Many chunks share the delay, in their order: one after the other they would take
	// chunks*2*delay.
	const chunks = 100
	began = time.Now()
	var want bytes.Buffer
	for i := range chunks {
		chunk := []byte{byte(i), byte(i >> 8)}
		want.Write(chunk)
		send(t, conn, string(chunk))
		time.Sleep(time.Millisecond) // so that they are not one read of the link
	}
	expect(t, conn, want.String())
	if took := time.Since(began); took > chunks*delay {
		t.Errorf("%d chunks took %v: each waited for the one before", chunks, took)
	}

	link.Delay(0)
	send(t, conn, "fast")
	expect(t, conn, "fast")
}

func TestLinkOfTargetThatIsDownResets(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	expectRefused(t, clustertest.NewLink(t, address))
}

func TestLinkEndsItsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("links", func(t *testing.T) {
		target := echo(t)
		for _, fault := range []func(*clustertest.Link){(*clustertest.Link).Cut, (*clustertest.Link).Hold, (*clustertest.Link).Mend} {
			link := clustertest.NewLink(t, target)
			link.Delay(time.Hour)
			for range 10 {
				send(t, dial(t, link), "under way for an hour")
			}
			fault(link)
			if late, err := net.Dial("tcp", link.Address()); err == nil {
				t.Cleanup(func() { late.Close() })
			}
		}
	})
	for deadline := time.Now().Add(limit); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestLinkConcurrentSafe(t *testing.T) {
	link := clustertest.NewLink(t, echo(t))
	end := time.Now().Add(500 * time.Millisecond)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for time.Now().Before(end) {
				conn, err := net.Dial("tcp", link.Address())
				if err != nil {
					continue
				}
				conn.SetDeadline(end)
				conn.Write([]byte("hello"))
				var buffer [5]byte
				if _, err := io.ReadFull(conn, buffer[:]); err == nil && string(buffer[:]) != "hello" {
					t.Errorf("read %q", buffer)
				}
				conn.Close()
			}
		})
	}
	for range 2 {
		running.Go(func() {
			for time.Now().Before(end) {
				switch rand.IntN(8) {
				case 0:
					link.Cut()
				case 1:
					link.Hold()
				case 2:
					link.Delay(time.Duration(rand.IntN(1000)) * time.Microsecond)
				default:
					link.Mend()
				}
				_ = link.Count()
				time.Sleep(time.Millisecond)
			}
		})
	}
	running.Wait()
	link.Delay(0)
	link.Mend()
	conn := dial(t, link)
	send(t, conn, "still there")
	expect(t, conn, "still there")
}

// drain reads until nothing comes.
func drain(t *testing.T, from net.Conn, to *bytes.Buffer) {
	t.Helper()
	var buffer [64 << 10]byte
	for {
		from.SetReadDeadline(time.Now().Add(silence))
		n, err := from.Read(buffer[:])
		to.Write(buffer[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil:
			t.Fatal(err)
		}
	}
}
