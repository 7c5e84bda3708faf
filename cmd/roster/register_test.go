package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
)

// A lateRegistrar is told to stop just as the first registration succeeds.
type lateRegistrar struct {
	stop   context.CancelFunc
	closed atomic.Bool
}

func (r *lateRegistrar) Announce(context.Context, []discovery.Instance) (discovery.Announcement, error) {
	r.stop()
	return lateAnnouncement{registrar: r}, nil
}

type lateAnnouncement struct {
	discovery.Announcement

	registrar *lateRegistrar
}

func (a lateAnnouncement) Close(context.Context) error { a.registrar.closed.Store(true); return nil }

func (lateAnnouncement) Status() discovery.AnnouncementStatus {
	return discovery.AnnouncementStatus{Registered: true}
}

func TestRegisterLeavesIfStoppedWhileAnnouncing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := registration{
		instance: discovery.Instance{Service: "s", ID: "i", Address: "127.0.0.1:1"},
		health:   "none", interval: time.Second, failures: 3, start: time.Minute, stop: 10 * time.Second,
	}
	registrar := &lateRegistrar{stop: cancel}
	err := r.run(ctx, registrar, exec.Command("sleep", "30"), slog.New(slog.DiscardHandler))
	if ended := (*commandError)(nil); !errors.As(err, &ended) {
		t.Errorf("run: %v", err)
	}
	if !registrar.closed.Load() {
		t.Error("the instance stays announced although its command was stopped")
	}
}

// The end of the command is noticed although a check is under way.
func TestRegisterNoticesTheEndDuringACheck(t *testing.T) {
	t.Parallel()
	checked := make(chan struct{}, 1)
	hung := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case checked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	}))
	defer hung.Close()
	r := registration{
		instance: discovery.Instance{Service: "s", ID: "i", Address: "127.0.0.1:1"},
		health:   hung.URL, interval: time.Second, failures: 3, start: time.Minute, stop: 10 * time.Second,
	}
	in, end := io.Pipe()
	defer in.Close()
	command := exec.Command("cat") // until the end of its input
	command.Stdin = in
	ended := make(chan error, 1)
	go func() {
		ended <- r.run(t.Context(), &lateRegistrar{stop: func() {}}, command, slog.New(slog.DiscardHandler))
	}()
	<-checked
	end.Close()
	began := time.Now()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > checkLimit/2 {
		t.Errorf("noticed after %v", took)
	}
}

// A terminal stays with the program that wraps the command.
func TestRegisterKeepsATerminal(t *testing.T) {
	t.Parallel()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if got := input(terminal); got != nil {
		t.Errorf("the command reads %v", got)
	}
	file, err := os.Open("register_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if got := input(file); got != file {
		t.Errorf("instead of a file the command reads %v", got)
	}
}
