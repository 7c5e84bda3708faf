package drive

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// report writes the findings in the format that is wanted.
func report(opts Options, findings []Finding, to io.Writer) error {
	var err error
	switch opts.Format {
	case "json":
		if findings == nil {
			findings = []Finding{}
		}
		err = writeJSON(to, struct {
			Findings []Finding `json:"findings"`
		}{findings})
	case "sarif":
		err = writeJSON(to, sarifLog(opts.Dir, findings))
	default:
		w := bufio.NewWriter(to)
		for _, f := range findings {
			_, _ = fmt.Fprintln(w, f)
		}
		err = w.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}

func writeJSON(to io.Writer, v any) error {
	enc := json.NewEncoder(to)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v) //nolint:wrapcheck // the caller wraps it
}
