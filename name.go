package roster

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxNameLen is the length limit of a name, in bytes.
const MaxNameLen = 256

// checkName says what is wrong with name, or "" if it can be registered. The
// rules are few: a name must survive a log line, a metric label, a URL path
// after escaping, and a person reading it aloud.
func checkName(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > MaxNameLen:
		return fmt.Sprintf("it has %d bytes, the limit is %d", len(name), MaxNameLen)
	case !utf8.ValidString(name):
		return "it is not valid UTF-8"
	case strings.TrimSpace(name) != name:
		return "it starts or ends with white space"
	}
	for _, r := range name {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("it contains %U, which does not print", r)
		}
	}
	return ""
}
