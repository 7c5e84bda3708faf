package doctor

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"time"
)

// An Init is a package that has finished its initialisation, as GODEBUG=inittrace=1 tells.
type Init struct {
	Package string        `json:"package"`
	At      time.Duration `json:"at_ns"` // since the start of the runtime
	Took    time.Duration `json:"took_ns"`
	Bytes   int64         `json:"bytes"`
	Allocs  int64         `json:"allocs"`
}

var traceLine = regexp.MustCompile(`^init (\S+) @([0-9.]+) ms, ([0-9.]+) ms clock, (\d+) bytes, (\d+) allocs$`)

func parseTrace(line []byte) (Init, bool) {
	m := traceLine.FindSubmatch(line)
	if m == nil {
		return Init{}, false
	}
	ms := func(text []byte) time.Duration {
		f, _ := strconv.ParseFloat(string(text), 64)
		return time.Duration(f * float64(time.Millisecond)).Round(time.Microsecond)
	}
	n, _ := strconv.ParseInt(string(m[4]), 10, 64)
	allocs, _ := strconv.ParseInt(string(m[5]), 10, 64)
	return Init{Package: string(m[1]), At: ms(m[2]), Took: ms(m[3]), Bytes: n, Allocs: allocs}, true
}

const (
	// lineMost is how long a line can be; what is longer counts as several.
	lineMost = 64 << 10

	// dumpMost is how much of a dump is kept.
	dumpMost = 8 << 20

	// initsMost is how many inits are kept; the largest programs have some thousand.
	initsMost = 100_000
)

// A listener passes on what a program writes to standard error, but for the trace of its inits
// and the dump that was asked for, which it keeps.
type listener struct {
	out io.Writer

	mu     sync.Mutex // guards what is below, and writing to out
	line   []byte     // the line that is not complete yet
	passed int        // how much of it was passed on already
	within bool       // it is the rest of a line that was too long
	inits  []Init
	latest time.Time // of the latest init
	dump   []byte
	crash  bool // the runtime writes a dump
	muted  bool // it was asked to
}

// crashLine begins what the runtime writes before a dump.
var crashLine = regexp.MustCompile(`^(fatal error: |panic: |SIGQUIT: |SIGABRT: |runtime: )`)

// Write implements io.Writer.
func (l *listener) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end >= 0 {
			l.line = append(l.line, rest[:end+1]...)
			rest = rest[end+1:]
			l.endOfLine()
			continue
		}
		l.line = append(l.line, rest...)
		rest = nil
		// A prompt has no end of line and is wanted at once; a trace is written in parts.
		if !l.maybeTrace() {
			l.pass()
		}
		if len(l.line) > lineMost {
			l.endOfLine()
			l.within = true
		}
	}
	return len(p), nil
}

// endOfLine keeps a trace, or passes on what is none, and keeps that too if it is of a dump.
func (l *listener) endOfLine() {
	init, ok := parseTrace(bytes.TrimSuffix(l.line, []byte("\n")))
	switch {
	case ok && l.passed == 0 && !l.within:
		if len(l.inits) < initsMost {
			l.inits = append(l.inits, init)
		}
		l.latest = time.Now()
	default:
		l.pass()
		if !l.crash && !l.within && crashLine.Match(l.line) {
			l.crash, l.dump = true, nil
		}
		if (l.crash || l.muted) && len(l.dump)+len(l.line) <= dumpMost {
			l.dump = append(l.dump, l.line...)
		}
	}
	l.line, l.passed, l.within = l.line[:0], 0, false
}

// maybeTrace reports whether the line may yet become one of the trace.
func (l *listener) maybeTrace() bool {
	const start = "init "
	n := min(len(l.line), len(start))
	return !l.within && len(l.line) <= lineMost && string(l.line[:n]) == start[:n]
}

// pass passes on what is left of the line.
func (l *listener) pass() {
	if !l.muted {
		_, _ = l.out.Write(l.line[l.passed:]) // that nobody listens to the program is no reason not to look at it
	}
	l.passed = len(l.line)
}

// mute keeps what comes from now on to itself.
func (l *listener) mute() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.muted, l.crash, l.dump = true, false, nil
}

// heard is what was written of a dump, the inits, and when the latest of them ended.
func (l *listener) heard() (dump string, inits []Init, latest time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	dump = string(l.dump)
	if l.crash || l.muted {
		dump += string(l.line)
	}
	return dump, slices.Clip(l.inits), l.latest
}
