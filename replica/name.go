package replica

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits. An entry that breaks one is refused when it is written and when it is decoded.
const (
	MaxNameLen  = 256       // bytes of a region's id, of a namespace, and of a name in it
	MaxValueLen = 64 * 1024 // bytes of a value
	MaxRegions  = 64        // ids in a context, incarnations included
	MaxCount    = 1 << 62   // the highest count of a dot and the highest Lamport time
)

// incarnationMark separates a region's name from its incarnation. Names must not have it.
const incarnationMark = "~"

// Incarnation returns the id under which a region writes after its store was lost, restored from
// a backup, or kept away for so long that the others went on without it: the region's name and
// mark. The mark must never have been used by that region; an id that the store made up when it
// was created, such as etcd's cluster id, is one. A number that the backup contains is not,
// because the same backup can be restored twice.
func Incarnation(region, mark string) string { return region + incarnationMark + mark }

// RegionOf returns the name of the region that an id belongs to.
func RegionOf(id string) string {
	region, _, _ := strings.Cut(id, incarnationMark)
	return region
}

// Key returns the key of a name in a namespace: both, with a slash between them.
func Key(namespace, name string) string { return namespace + "/" + name }

// SplitKey returns the parts of a key, and false if it is none.
func SplitKey(key string) (namespace, name string, ok bool) {
	namespace, name, found := strings.Cut(key, "/")
	if !found || segmentFault(namespace) != "" || segmentFault(name) != "" {
		return "", "", false
	}
	return namespace, name, true
}

// ErrInvalid is what every [*InvalidError] is, for errors.Is.
var ErrInvalid = errors.New("invalid replicated data")

// An InvalidError reports a name, a key or an entry that breaks the rules.
type InvalidError struct {
	Key   string // of the entry; empty if it is not about one
	Field string // for example "key", "region", "writes[2].value"
	Fault string // what is wrong, as a clause
}

func (e *InvalidError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("replica: correct the %s: %s", e.Field, e.Fault)
	}
	return fmt.Sprintf("replica: entry %q: correct its %s: %s", shorten(e.Key), e.Field, e.Fault)
}

// Is makes errors.Is(err, ErrInvalid) true.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// ValidateRegion returns an [*InvalidError] if name cannot be a region's name: it is empty, not
// valid UTF-8 or not printable, has a slash or a tilde, has white space at an end, is "." or "..",
// or has more than [MaxNameLen] bytes.
func ValidateRegion(name string) error {
	fault := segmentFault(name)
	if fault == "" && strings.Contains(name, incarnationMark) {
		fault = "it contains a tilde, which separates a region's name from its incarnation"
	}
	if fault != "" {
		return &InvalidError{Field: "region", Fault: fault}
	}
	return nil
}

// ValidateID returns an [*InvalidError] if id is neither a region's name nor an [Incarnation] of one.
func ValidateID(id string) error {
	if fault := idFault(id); fault != "" {
		return &InvalidError{Field: "region", Fault: fault}
	}
	return nil
}

// ValidateKey returns an [*InvalidError] unless key is a namespace, one slash and a name. Both
// follow the rules of a region's name, but may have tildes.
func ValidateKey(key string) error {
	if fault := keyFault(key); fault != "" {
		return &InvalidError{Key: key, Field: "key", Fault: fault}
	}
	return nil
}

func keyFault(key string) string {
	namespace, name, found := strings.Cut(key, "/")
	if !found {
		return "it has no slash: a key is NAMESPACE/NAME"
	}
	if fault := segmentFault(namespace); fault != "" {
		return "its namespace: " + fault
	}
	if fault := segmentFault(name); fault != "" {
		return "its name: " + fault
	}
	return ""
}

func idFault(id string) string {
	if fault := segmentFault(id); fault != "" {
		return fault
	}
	region, mark, marked := strings.Cut(id, incarnationMark)
	switch {
	case segmentFault(region) != "":
		return "the region's name: " + segmentFault(region)
	case marked && mark == "":
		return "the incarnation after the tilde is empty"
	case strings.Contains(mark, incarnationMark):
		return "it contains two tildes"
	}
	return ""
}

func segmentFault(text string) string {
	switch {
	case text == "":
		return "it is empty"
	case text == "." || text == "..":
		return "it is a relative path"
	case len(text) > MaxNameLen:
		return fmt.Sprintf("it has %d bytes, the limit is %d", len(text), MaxNameLen)
	case strings.Contains(text, "/"):
		return "it contains a slash, which separates the parts of a key"
	case !utf8.ValidString(text):
		return "it is not valid UTF-8"
	case strings.TrimSpace(text) != text:
		return "it starts or ends with white space"
	case strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "it contains a character that does not print"
	}
	return ""
}

func shorten(text string) string {
	const shown = 64 // enough to recognise what is too long
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}
