package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

type fullDisk struct{ err error }

func (d fullDisk) Write([]byte) (int, error) { return 0, d.err }

// What cannot be printed is the end, and not a daemon that is gone.
func TestWatchEndsIfItCannotPrint(t *testing.T) {
	t.Parallel()
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"event":"added","instance":{"service":"pay","id":"a","address":"x:1"}}`+"\n")
	}))
	defer daemon.Close()
	c, err := newClient(&addressFlag{url: daemon.URL})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	var notes strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w := watcher{client: c, service: "pay", out: fullDisk{full}, notes: &notes}
	if err := w.run(ctx); !errors.Is(err, full) || strings.Contains(notes.String(), "gone") {
		t.Errorf("run: %v, %s", err, notes.String())
	}
}
