package doctor

import (
	"fmt"
	"io"

	"github.com/roster-go/roster/initwatch/hang"
)

// readMost is how much of a dump from a file is read.
const readMost = 64 << 20

// ReadDump says what a dump tells. It is an error if there is no goroutine 1 in it.
func ReadDump(r io.Reader) (Report, error) {
	text, err := io.ReadAll(io.LimitReader(r, readMost+1))
	if err != nil {
		return Report{}, fmt.Errorf("read the dump: %w", err)
	}
	report := Report{Ways: []string{byDump}}
	if len(text) > readMost {
		report.Missing = append(report.Missing, fmt.Sprintf("what follows the first %d MiB of the dump", readMost>>20))
	}
	h, verdict := hang.Find(hang.Parse(string(text)))
	switch verdict {
	case hang.InInit:
		report.Verdict = Hangs
		report.Hang = newHang(h, nil)
	case hang.InMain:
		report.Verdict = Reached
	default:
		return Report{}, &NoDumpError{}
	}
	return report, nil
}

// A NoDumpError says that a text is no dump of a Go program, or that goroutine 1 is not in it.
type NoDumpError struct{}

func (*NoDumpError) Error() string {
	return "there is no goroutine 1 that runs an init or main in it: give the whole dump, from SIGQUIT (kill -QUIT PID) or GOTRACEBACK=all"
}

// A NoReadError says that a process was left alone, since what it would write at SIGQUIT could not be
// read here.
type NoReadError struct {
	PID    int
	Stderr string // what its standard error is
}

func (e *NoReadError) Error() string {
	return fmt.Sprintf("process %d was left alone: it would write its dump to %s, which cannot be read from here; "+
		"send it SIGQUIT (kill -QUIT %d), and give what arrives there to --dump", e.PID, e.Stderr, e.PID)
}
