package drive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// baselineHead explains the file to who finds it.
const baselineHead = "# Findings of roster vet that are known: analyzer, file, message. Delete what is mended.\n"

// A baseline counts known findings by their line.
type baseline map[string]int

// lineNumber is the end of a position inside a message.
var lineNumber = regexp.MustCompile(`(\.go):\d+`)

func baselineLine(f Finding) string {
	return f.Analyzer + "\t" + f.File + "\t" + lineNumber.ReplaceAllString(f.Message, "$1")
}

func (o *Options) baselineFile() string {
	if filepath.IsAbs(o.Baseline) {
		return o.Baseline
	}
	return filepath.Join(o.Dir, o.Baseline)
}

func readBaseline(opts Options) (baseline, error) {
	known := make(baseline)
	if opts.Baseline == "" || opts.WriteBaseline {
		return known, nil
	}
	text, err := os.ReadFile(opts.baselineFile())
	if err != nil {
		return nil, fmt.Errorf("baseline: %w; -write-baseline makes one", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.Count(line, "\t") != 2 {
			return nil, fmt.Errorf("baseline %s: %q is not analyzer, file and message with tabs between", opts.Baseline, line)
		}
		known[line]++
	}
	return known, nil
}

// filter returns the findings that are not in the baseline, and how many lines of it nothing was found for.
func (b baseline) filter(findings []Finding) (fresh []Finding, stale int) {
	left := maps.Clone(b)
	for _, f := range findings {
		if line := baselineLine(f); left[line] > 0 {
			left[line]--
		} else {
			fresh = append(fresh, f)
		}
	}
	for _, n := range left {
		stale += n
	}
	return fresh, stale
}

func writeBaseline(opts Options, findings []Finding, stderr io.Writer) error {
	lines := make([]string, 0, len(findings))
	for _, f := range findings {
		lines = append(lines, baselineLine(f)+"\n")
	}
	slices.Sort(lines)
	if err := os.WriteFile(opts.baselineFile(), []byte(baselineHead+strings.Join(lines, "")), 0o644); err != nil { //nolint:gosec // it is committed
		return fmt.Errorf("write the baseline: %w", err)
	}
	_, _ = fmt.Fprintf(stderr, "%s: %d findings\n", opts.Baseline, len(lines))
	return nil
}
