package plugin

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/roster-go/roster"
)

// oneLine keeps the first line of a text that comes from elsewhere.
func oneLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(line)
}

// shortened cuts s to about limit bytes at a rune boundary.
func shortened(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

func quotedList(names []string, sep string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, sep)
}

// cappedList joins names, at most limit of them, and says how many are missing.
func cappedList(names []string, limit int) string {
	if len(names) <= limit {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:limit], ", "), len(names)-limit)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// didYouMean suggests known names for one that is not.
func didYouMean(name string, known []string) string {
	near := roster.Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return " (did you mean " + quotedList(near, " or ") + "?)"
}

// osFault says what the operating system refused, without the path, which the
// error around it names already.
func osFault(what string, err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return what + ": " + err.Error()
}
