package initorder

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"time"
)

// A Time is what the runtime measured of one package.
type Time struct {
	At     time.Duration `json:"at_ns"`   // since the start of the program
	Took   time.Duration `json:"took_ns"` // on the wall clock
	Bytes  uint64        `json:"bytes"`   // allocated on the heap
	Allocs uint64        `json:"allocs"`
}

// A Traced package is one line of an init trace.
type Traced struct {
	Package string // "main" for the main package
	Time    Time
}

// traceLine is what the runtime prints for GODEBUG=inittrace=1 when a package is done.
var traceLine = regexp.MustCompile(`^init (\S+) @(\d[\d.]*) ms, (\d[\d.]*) ms clock, (\d+) bytes, (\d+) allocs$`)

// ReadTrace reads the lines of an init trace, among whatever else the program printed.
func ReadTrace(r io.Reader) ([]Traced, error) {
	var trace []Traced
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		found := traceLine.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		t := Traced{Package: unescape(found[1])}
		var errs [4]error
		t.Time.At, errs[0] = milliseconds(found[2])
		t.Time.Took, errs[1] = milliseconds(found[3])
		t.Time.Bytes, errs[2] = strconv.ParseUint(found[4], 10, 64)
		t.Time.Allocs, errs[3] = strconv.ParseUint(found[5], 10, 64)
		for _, err := range errs {
			if err != nil {
				return nil, fmt.Errorf("trace of %s: %w", t.Package, err)
			}
		}
		trace = append(trace, t)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the trace: %w", err)
	}
	return trace, nil
}

func milliseconds(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text + "ms")
	if err != nil {
		return 0, fmt.Errorf("a time of %s ms: %w", text, err)
	}
	return d, nil
}

// A TraceError says where an order and a trace part.
type TraceError struct {
	Position     int // from 1
	Order, Trace string
}

func (e *TraceError) Error() string {
	return fmt.Sprintf("at position %d the order has %s and the trace has %s; the traced program was built from other sources, or with other flags",
		e.Position, orNothing(e.Order), orNothing(e.Trace))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// Compare adds the times of a trace to the steps. It returns a *TraceError if the trace
// has another order.
func (o *Order) Compare(trace []Traced) error {
	for i := range max(len(trace), len(o.Steps)) {
		e := &TraceError{Position: i + 1}
		if i < len(o.Steps) {
			e.Order = o.Steps[i].Package
		}
		if i < len(trace) {
			e.Trace = trace[i].Package
		}
		if e.Order != e.Trace {
			return e
		}
		o.Steps[i].Time = &trace[i].Time
	}
	return nil
}
