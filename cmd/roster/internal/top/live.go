package top

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// What steers a terminal, as ECMA-48 and xterm have it. A terminal that does not know synchronised
// updates (2026) passes over them.
const (
	enter  = "\x1b[?1049h\x1b[?25l" // a screen of its own, without a cursor
	leave  = "\x1b[?25h\x1b[?1049l"
	begin  = "\x1b[?2026h\x1b[H"
	finish = "\x1b[J\x1b[?2026l"
	endRow = "\x1b[K"
	bold   = "\x1b[1m"
	loud   = "\x1b[7m"
	plain  = "\x1b[0m"
)

// interrupt is what control and C send to a program that reads single keys.
const interrupt = 3

// Live shows the watch on a terminal, over itself, until q or control and C is pressed or ctx
// ends, and leaves the terminal as it was. Keys are read from in, if that is a terminal too. The
// error is of the first look or of the terminal.
func (w *Watch) Live(ctx context.Context, in, out *os.File) error {
	if err := w.Begin(ctx); err != nil {
		return err
	}
	keys := make(chan byte)
	if term.IsTerminal(int(in.Fd())) {
		before, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return fmt.Errorf("the terminal: %w", err)
		}
		defer func() { _ = term.Restore(int(in.Fd()), before) }() // there is nothing else to try
		go read(ctx, in, keys)
	}
	if _, err := out.WriteString(enter + begin + "looking at " + printable(w.From) + finish); err != nil {
		return fmt.Errorf("the terminal: %w", err)
	}
	defer func() { _, _ = out.WriteString(leave) }()
	reports := make(chan *Report)
	looking, stopLooking := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { w.follow(looking, reports) }) // a daemon that hangs must not hold up the keys
	defer func() { stopLooking(); wg.Wait() }()
	resized, stop := resizes()
	defer stop()
	v := liveView{from: w.From, every: w.Every, by: w.By, out: out}
	for {
		select {
		case <-ctx.Done():
			return nil
		case v.report = <-reports:
		case <-resized:
		case k := <-keys:
			if k == 'q' || k == interrupt {
				return nil
			}
			if by, ok := sortKeys[k]; ok {
				v.by = by
			}
		}
		if err := v.draw(); err != nil {
			return err
		}
	}
}

// follow takes looks until ctx ends.
func (w *Watch) follow(ctx context.Context, reports chan<- *Report) {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		report := w.Next(ctx)
		if report == nil {
			continue
		}
		select {
		case reports <- report:
		case <-ctx.Done():
			return
		}
	}
}

var sortKeys = map[byte]Key{'r': ByRate, 'e': ByErrors, 'l': ByLatency, 'n': ByName}

// A liveView is what is on the terminal.
type liveView struct {
	report *Report // nil until there is one
	from   string
	every  time.Duration
	by     Key
	out    *os.File
}

// draw writes the whole screen at once, each row over the one that was there, so that nothing
// flickers.
func (v *liveView) draw() error {
	if v.report == nil {
		return nil
	}
	v.report.Sort(v.by)
	width, height, err := term.GetSize(int(v.out.Fd()))
	if err != nil {
		return fmt.Errorf("the terminal's size: %w", err)
	}
	s := screen{report: v.report, from: v.from, every: v.every, by: v.by, keys: true, height: max(height, 1)}
	var b strings.Builder
	b.WriteString(begin)
	for i, line := range s.text() {
		if i > 0 {
			b.WriteString("\r\n")
		}
		style := ""
		switch {
		case strings.HasPrefix(line, "STALE"):
			style = loud
		case i == 0, strings.ToUpper(line) == line && line != "":
			style = bold
		}
		b.WriteString(style + cut(line, width) + plain + endRow)
	}
	b.WriteString(finish)
	if _, err := v.out.WriteString(b.String()); err != nil {
		return fmt.Errorf("the terminal: %w", err)
	}
	return nil
}

// read passes keys on. It is left behind in the last read, which only a key would end.
func read(ctx context.Context, in *os.File, keys chan<- byte) {
	var one [1]byte
	for {
		if n, err := in.Read(one[:]); err != nil || n == 0 {
			return
		}
		select {
		case keys <- one[0]:
		case <-ctx.Done():
			return
		}
	}
}
