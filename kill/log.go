package kill

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// The log is a text file with one line of JSON for each order:
//
//	{"kill":1,"sum":"89ab…","order":{"target":"plugin/markdown","epoch":1,…}}
//
// sum is the first half of the SHA-256 of the order's text as it stands in the line. Orders are
// only appended; the set is what merging all of them gives, so their order does not matter.
// Now and then the file is replaced by one with the orders that stand.

const (
	logFormat = 1
	// maxLine bounds a line of the log and of the wire, in bytes with its end.
	maxLine = 64 << 10
)

var (
	errLine   = errors.New("kill: a line of the log is damaged")
	errFormat = errors.New("kill: the log was written by a newer version of this program: use that one")
)

type logLine struct {
	Kill  int             `json:"kill"`
	Sum   string          `json:"sum"`
	Order json.RawMessage `json:"order"`
}

// appendLine appends the line of the order, which is valid.
func appendLine(to []byte, o Order) []byte {
	text := encode(o)
	return fmt.Appendf(to, "{\"kill\":%d,\"sum\":%q,\"order\":%s}\n", logFormat, lineSum(text), text)
}

// encode is the JSON of a value of this package, which cannot fail for valid orders.
func encode(v any) []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("kill: %v", err)) // a value that was not validated: a mistake in this package
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

func lineSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:len(sum)/2])
}

// parseLine reads one line without its end.
func parseLine(text []byte) (Order, error) {
	var line logLine
	if len(text) > maxLine {
		return Order{}, errLine
	}
	if err := json.Unmarshal(text, &line); err != nil || line.Sum != lineSum(line.Order) {
		return Order{}, errLine
	}
	if line.Kill != logFormat {
		return Order{}, errFormat
	}
	var o Order
	if err := json.Unmarshal(line.Order, &o); err != nil {
		return Order{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	if err := o.Validate(); err != nil {
		return Order{}, fmt.Errorf("%w: %w", errFormat, err)
	}
	return o, nil
}

// A logContent is what a log holds.
type logContent struct {
	orders  []Order
	end     int64 // after the last whole line
	torn    int   // bytes after it: the end of a write that a crash cut short
	damaged int   // lines before it that are unreadable, which no crash explains
}

// parseLog reads a log. A write that was cut short leaves bytes at the end that are no line; no
// order in them has been acknowledged. Damage before the end is counted and skipped.
func parseLog(text []byte) (logContent, error) {
	var content logContent
	unreadable := 0
	for at := 0; at < len(text); {
		length := bytes.IndexByte(text[at:], '\n')
		if length < 0 {
			break
		}
		o, err := parseLine(text[at : at+length])
		at += length + 1
		switch {
		case errors.Is(err, errFormat):
			return content, err
		case err != nil:
			unreadable++
		default:
			content.orders = append(content.orders, o)
			content.end = int64(at)
			content.damaged += unreadable
			unreadable = 0
		}
	}
	content.torn = len(text) - int(content.end)
	return content, nil
}
