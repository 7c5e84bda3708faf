package demo

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"
)

// A gate passes bytes on both ways, breaks what it carries when it is cut, refuses then, and
// passes on again when it is mended.
func TestGate(t *testing.T) {
	t.Parallel()
	echo, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = echo.Close() }()
	go func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	g, err := newGate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	dial := func() (net.Conn, func() error) {
		conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(t.Context(), "tcp", g.address())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(conn)
		return conn, func() error {
			if _, err := conn.Write([]byte("hello\n")); err != nil {
				return err
			}
			_, err := lines.ReadString('\n')
			return err
		}
	}
	if _, say := dial(); say() == nil {
		t.Error("it leads somewhere before it was told where")
	}
	g.lead(echo.Addr().String())
	_, say := dial()
	if err := say(); err != nil {
		t.Errorf("open: %v", err)
	}
	g.set(true)
	if say() == nil {
		t.Error("a connection outlives the cut")
	}
	if _, say := dial(); say() == nil {
		t.Error("it passes on what is new while it is cut")
	}
	g.set(false)
	if _, say := dial(); say() != nil {
		t.Error("it does not pass on what is new after it was mended")
	}
}
