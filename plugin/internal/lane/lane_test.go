package lane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// pair connects a client to a server with a handler.
func pair(t *testing.T, limit int, handle Handler) *Client {
	t.Helper()
	ours, theirs := sockets(t)
	served := make(chan struct{})
	go func() {
		defer close(served)
		Serve(context.Background(), theirs, limit, handle, []byte("too large"))
	}()
	c := NewClient(ours, limit)
	t.Cleanup(func() {
		c.Close()
		select {
		case <-served:
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
		}
	})
	return c
}

func sockets(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if ours, err = net.Dial("unix", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func echoing(_ context.Context, r Request) ([]byte, bool) {
	if r.Method == "fail" {
		return []byte("status"), false
	}
	return []byte(fmt.Sprint(r.Method, r.Metadata, string(r.Message))), true
}

func TestCalls(t *testing.T) {
	t.Parallel()
	c := pair(t, 1<<20, echoing)
	var callers sync.WaitGroup
	for i := range 64 {
		callers.Go(func() {
			for j := range 200 {
				text := strings.Repeat(fmt.Sprint(i, j), (i*j)%3000)
				got, outcome, err := c.Call(t.Context(), Request{Method: "m", Metadata: []string{"k", "v"}, Message: []byte(text)})
				if err != nil || outcome != Answered || string(got) != "m[k v]"+text {
					t.Errorf("%d %v %.40q", outcome, err, got)
					return
				}
			}
		})
	}
	callers.Wait()
	if got, outcome, err := c.Call(t.Context(), Request{Method: "fail"}); err != nil || outcome != Failed || string(got) != "status" {
		t.Errorf("%d %v %q", outcome, err, got)
	}
	if _, outcome, err := c.Call(t.Context(), Request{Message: make([]byte, 1<<20+1)}); outcome != NotSent || !errors.Is(err, errTooLarge) {
		t.Errorf("%d %v", outcome, err)
	}
	if got, outcome, err := c.Call(t.Context(), Request{Method: "m", Message: make([]byte, 1<<20)}); err != nil || outcome != Failed || string(got) != "too large" {
		t.Errorf("%d %v %.40q", outcome, err, got) // what comes back has a few bytes more
	}
}

// Whoever gives up is let go at once, and the other side is told.
func TestCancel(t *testing.T) {
	t.Parallel()
	told := make(chan error, 2)
	c := pair(t, 1<<20, func(ctx context.Context, _ Request) ([]byte, bool) {
		<-ctx.Done()
		told <- ctx.Err()
		return nil, true
	})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, outcome, err := c.Call(ctx, Request{}); outcome != Sent || !errors.Is(err, context.Canceled) {
		t.Errorf("%d %v", outcome, err)
	}
	if err := <-told; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, outcome, err := c.Call(ctx, Request{})
	if outcome != Answered && (outcome != Sent || !errors.Is(err, context.DeadlineExceeded)) {
		t.Errorf("%d %v", outcome, err) // the other side has the same deadline, and may be the first to see it
	}
	<-told
}

// A peer that does not read holds nobody beyond the context.
func TestPeerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	ours, theirs := sockets(t)
	defer theirs.Close()
	c := NewClient(ours, 1<<20)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			if _, _, err := c.Call(ctx, Request{Message: make([]byte, 1<<20)}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
		})
	}
	callers.Wait()
	if len(c.waiting) > 4*maxWaiting {
		t.Errorf("%d bytes wait", len(c.waiting))
	}
}

// A connection that breaks ends every call, and those after it do not start.
func TestBreak(t *testing.T) {
	t.Parallel()
	ours, theirs := sockets(t)
	c := NewClient(ours, 1<<20)
	defer c.Close()
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			if _, outcome, err := c.Call(t.Context(), Request{}); err == nil {
				t.Errorf("%d", outcome)
			}
		})
	}
	time.AfterFunc(10*time.Millisecond, func() { _ = theirs.Close() })
	callers.Wait()
	if _, outcome, err := c.Call(t.Context(), Request{}); outcome != NotSent || err == nil || c.Alive() { // the last reader has seen it
		t.Errorf("%d %v", outcome, err)
	}
}

// What is no frame ends the connection, not the process.
func TestGarbage(t *testing.T) {
	t.Parallel()
	for _, garbage := range []string{
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00\x01",
		"\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07", "\x0b\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01ab",
	} {
		ours, theirs := sockets(t)
		served := make(chan struct{})
		go func() {
			defer close(served)
			Serve(t.Context(), theirs, 1<<20, echoing, nil)
		}()
		if _, err := ours.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		<-served

		ours, theirs = sockets(t)
		c := NewClient(ours, 1<<20)
		if _, err := theirs.Write([]byte(garbage)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Call(t.Context(), Request{}); err == nil || c.Alive() {
			t.Errorf("%q is taken", garbage)
		}
		c.Close()
	}
}

func FuzzParseRequest(f *testing.F) {
	r := Request{Method: "/a.B/C", Metadata: []string{"k", "v"}, Message: []byte("text")}
	f.Add(r.appendTo(nil, 7))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, timeout, err := parseRequest(body)
		if err != nil {
			return
		}
		if again := r.appendTo(nil, timeout); !bytes.Equal(again, body) {
			t.Errorf("%q became %q", body, again)
		}
	})
}

// Callers read for each other: none is left waiting for an answer that another has read.
func TestCallersTakeTurns(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	for _, callers := range []int{2, crowd, 16} {
		c := pair(t, 1<<20, echoing)
		var calling sync.WaitGroup
		for range callers {
			calling.Go(func() {
				for range 60_000 / callers {
					if _, _, err := c.Call(ctx, Request{Method: "m"}); err != nil {
						t.Errorf("%d callers: %v", callers, err)
						return
					}
				}
			})
		}
		calling.Wait()
	}
}

// A caller who gives up while it reads for others leaves them to the next.
func TestReaderGivesUp(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	c := pair(t, 1<<20, func(_ context.Context, r Request) ([]byte, bool) {
		if r.Method == "wait" {
			<-release
		}
		return []byte(r.Method), true
	})
	var calling sync.WaitGroup
	for i := range 3 {
		calling.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+10*i)*time.Millisecond)
			defer cancel()
			if _, outcome, err := c.Call(ctx, Request{Method: "wait"}); outcome != Sent || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%d %v", outcome, err)
			}
		})
	}
	last := make(chan error, 1)
	go func() {
		_, _, err := c.Call(t.Context(), Request{Method: "wait"})
		last <- err
	}()
	calling.Wait()
	for range 1000 {
		if got, _, err := c.Call(t.Context(), Request{Method: "m"}); err != nil || string(got) != "m" {
			t.Fatalf("%q %v", got, err)
		}
	}
	close(release)
	if err := <-last; err != nil {
		t.Error(err)
	}
}
