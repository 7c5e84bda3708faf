package access

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Outcomes of an entry.
const (
	Allowed = "allowed" // it was begun
	Refused = "refused" // it was not
	Failed  = "failed"  // it was begun, and ended with an error
)

// An Entry is a line of the audit log.
type Entry struct {
	Time time.Time `json:"time"`
	// Who is the name of a token or a certificate; "local" if nobody is asked who he is, and empty
	// if it is not known.
	Who  string `json:"who"`
	Role string `json:"role"` // that who has
	// Says is who the caller says he is, where nobody proved it.
	Says    string `json:"says,omitempty"`
	Action  string `json:"action"`
	Target  string `json:"target"`
	Why     string `json:"why,omitempty"` // the reason that was given
	From    string `json:"from"`          // the remote address
	Outcome string `json:"outcome"`
	Error   string `json:"error,omitempty"`
	// Count is how many of the same the entry stands for, since the one before it with the same
	// words; zero for one.
	Count int `json:"count,omitempty"`
}

// Limits of the fields of an entry, in bytes. Longer ones are cut.
const (
	maxField = 256
	maxText  = 1024 // of reasons and errors
	// maxLine is the most that a line can have: a byte becomes six when it is escaped.
	maxLine = 6*(2*maxText+7*maxField) + 512
)

// bounded is the entry with fields that are not too long and can be printed. No field has a secret:
// what looks like a token is cut down to its id.
func (e Entry) bounded() Entry {
	for _, field := range []*string{&e.Who, &e.Role, &e.Says, &e.Action, &e.Target, &e.From, &e.Outcome} {
		*field = clean(*field, maxField)
	}
	e.Why, e.Error = clean(e.Why, maxText), clean(e.Error, maxText)
	return e
}

// clean is a text of at most n bytes, without the secrets of tokens, and with U+FFFD for what moves a
// terminal's cursor or hides text.
func clean(text string, n int) string {
	const enough = 4
	text = withoutSecrets(text[:min(len(text), enough*n)])
	text = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return utf8.RuneError
	}, text)
	if len(text) <= n {
		return text
	}
	const mark = "…"
	return strings.ToValidUTF8(text[:n-len(mark)], "") + mark
}

// withoutSecrets cuts tokens down to the prefix and the id.
func withoutSecrets(text string) string {
	const keep = len(TokenPrefix) + idLen
	var out strings.Builder
	for {
		at := strings.Index(text, TokenPrefix)
		if at < 0 || len(text) < at+keep+1 {
			break
		}
		end := at + keep
		out.WriteString(text[:end])
		text = text[end:]
		if text[0] != '_' {
			continue
		}
		secret := 1
		for secret < len(text) && isBase62(text[secret:secret+1]) {
			secret++
		}
		if secret > idLen {
			out.WriteString("_…")
			text = text[secret:]
		}
	}
	out.WriteString(text)
	return out.String()
}

// line is the entry as JSON with the newline. What a terminal or a page could take for markup is
// escaped.
func (e Entry) line() []byte {
	var b bytes.Buffer
	if err := json.NewEncoder(&b).Encode(e); err != nil {
		return []byte("{}\n") // strings and a time: it cannot be
	}
	return b.Bytes()
}

// An Audit is what the daemon answers with when it is asked for its audit log.
type Audit struct {
	Entries []Entry `json:"entries"` // oldest first
}
