package router

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/roster-go/roster"
)

// Limits of a pattern. A pattern is also the name of its route in the registry,
// so it can have at most [roster.MaxNameLen] bytes.
const (
	// MaxParams is how many wildcards a pattern may have.
	MaxParams = 16
)

// A pattern is what a route matches: a method, a host and the segments of a path.
type pattern struct {
	text     string // canonical: wildcards as {name} and {name...}
	method   string // "" for every method
	host     string // lower case, "" for every host
	segments []segment
	names    []string // of the wildcards, in order
}

// kind is what a segment of a path pattern matches. A greater kind is more
// general.
type kind uint8

const (
	literal kind = iota // one segment, the one that it says
	end                 // nothing: {$}, the end of the path behind a slash
	single              // one segment that is not empty: {name}
	multi               // the rest of the path, which may be empty: {name...}, or a slash at the end
)

type segment struct {
	kind kind
	text string // of a literal, in the form of [normalized]; of a wildcard, its name, which may be "" for multi
}

// A PatternError reports a pattern that cannot be understood.
type PatternError struct {
	Registry string
	Pattern  string
	Offset   int // in bytes, of what is wrong
	Fault    string
	Site     roster.Site // who wanted to register it
}

func (e *PatternError) Error() string {
	text := fmt.Sprintf("roster: %s: pattern %q, offset %d: %s", e.Registry, e.Pattern, e.Offset, e.Fault)
	if !e.Site.IsZero() {
		text += fmt.Sprintf(" (at %s)", e.Site)
	}
	return text
}

// Is makes errors.Is(err, [roster.ErrInvalidName]) true: a pattern is a name.
func (e *PatternError) Is(target error) bool { return target == roster.ErrInvalidName }

// A parser reads a pattern from left to right.
type parser struct {
	text string
	at   int // offset of what is read next
	p    pattern
}

// parse reads "[METHOD ][HOST]/[PATH]".
func parse(text string) (*pattern, *PatternError) {
	in := parser{text: text}
	if fault := in.parse(); fault != "" {
		return nil, &PatternError{Pattern: text, Offset: in.at, Fault: fault}
	}
	in.p.text = in.p.canonical(text[in.at:])
	return &in.p, nil
}

func (in *parser) parse() (fault string) {
	if in.text == "" {
		return "it is empty; the pattern for every path is \"/\""
	}
	if blank := strings.IndexAny(in.text, " \t"); blank >= 0 {
		in.p.method = in.text[:blank]
		if !validMethod(in.p.method) {
			return fmt.Sprintf("%q is no method; write a method such as GET, then a space, then the path", in.p.method)
		}
		in.at = blank + len(in.text[blank:]) - len(strings.TrimLeft(in.text[blank:], " \t"))
	}
	slash := strings.IndexByte(in.text[in.at:], '/')
	if slash < 0 {
		return "it has no path; a path starts with a slash"
	}
	host := in.text[in.at : in.at+slash]
	if i := strings.IndexAny(host, "{}*: \t"); i >= 0 {
		in.at += i
		return "a host has no wildcards, ports and spaces; a path starts with a slash"
	}
	in.p.host = strings.ToLower(host)
	in.at += slash
	begin := in.at
	if fault := in.path(); fault != "" {
		return fault
	}
	in.at = begin
	return ""
}

// path reads the segments up to the end of the text.
func (in *parser) path() (fault string) {
	whole := in.text[in.at:]
	if in.p.method != "CONNECT" && whole != clean(whole) {
		return fmt.Sprintf("no request has such a path, because paths are cleaned first; write %q", clean(whole))
	}
	for in.at < len(in.text) {
		in.at++ // the slash
		text, _, _ := strings.Cut(in.text[in.at:], "/")
		last := in.at+len(text) == len(in.text)
		s, fault := in.segment(text, last)
		if fault != "" {
			return fault
		}
		if (s.kind == single || s.kind == multi) && s.text != "" {
			for _, name := range in.p.names {
				if name == s.text {
					return fmt.Sprintf("there are two wildcards called %q; give each its own name", name)
				}
			}
			if len(in.p.names) == MaxParams {
				return fmt.Sprintf("it has more than %d wildcards", MaxParams)
			}
			in.p.names = append(in.p.names, s.text)
		}
		in.p.segments = append(in.p.segments, s)
		in.at += len(text)
	}
	return ""
}

func (in *parser) segment(text string, last bool) (s segment, fault string) {
	switch {
	case text == "" && last:
		return segment{kind: multi}, ""
	case text == "":
		return segment{kind: literal}, "" // of CONNECT, whose paths are not cleaned
	case text[0] == ':':
		return named(single, text[1:])
	case text[0] == '*':
		if !last {
			return s, "*" + text[1:] + " takes the rest of the path, so nothing can come after it"
		}
		return named(multi, text[1:])
	}
	brace := strings.IndexByte(text, '{')
	if brace < 0 {
		return segment{kind: literal, text: normalizedSegment(text)}, ""
	}
	if brace > 0 || text[len(text)-1] != '}' {
		in.at += brace
		return s, "a wildcard is a whole segment, between two slashes; take the segment apart in the handler"
	}
	name := text[1 : len(text)-1]
	rest, takesRest := strings.CutSuffix(name, "...")
	switch {
	case (takesRest || name == "$") && !last:
		return s, text + " stands for the end of the path, so nothing can come after it"
	case name == "$":
		return segment{kind: end}, ""
	case takesRest:
		return named(multi, rest)
	default:
		return named(single, name)
	}
}

func named(k kind, name string) (s segment, fault string) {
	if name == "" {
		return s, "a wildcard needs a name"
	}
	for i, c := range name {
		if c != '_' && !unicode.IsLetter(c) && (i == 0 || !unicode.IsDigit(c)) {
			return s, fmt.Sprintf("%q cannot be the name of a wildcard; it needs letters, digits and underscores, "+
				"without a digit first; a literal colon or asterisk is written %%3A or %%2A", name)
		}
	}
	return segment{kind: k, text: name}, ""
}

// canonical spells the pattern in one way. Literals stay as the path was written,
// since their escapes are part of what a reader looks for.
func (p *pattern) canonical(written string) string {
	var b strings.Builder
	if p.method != "" {
		b.WriteString(p.method + " ")
	}
	b.WriteString(p.host)
	literals := strings.Split(written, "/")[1:]
	for i, s := range p.segments {
		b.WriteByte('/')
		switch s.kind {
		case literal:
			b.WriteString(literals[i])
		case end:
			b.WriteString("{$}")
		case single:
			b.WriteString("{" + s.text + "}")
		case multi:
			if s.text != "" {
				b.WriteString("{" + s.text + "...}")
			}
		}
	}
	return b.String()
}

func (p *pattern) takesRest() bool { return p.segments[len(p.segments)-1].kind == multi }

// validMethod reports whether s is a token of RFC 9110, section 5.6.2.
func validMethod(s string) bool {
	for _, c := range []byte(s) {
		if !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) &&
			(c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) {
			return false
		}
	}
	return s != ""
}

// clean removes what a path can be written without: empty segments, dots, and
// dots that go up. A slash at the end stays.
func clean(p string) string {
	if p == "" || p[0] != '/' {
		p = "/" + p
	}
	cleaned := path.Clean(p)
	if p[len(p)-1] == '/' && cleaned != "/" {
		return cleaned + "/"
	}
	return cleaned
}

// normalized is the form in which paths are compared: percent-encoding is undone,
// but for a slash inside a segment and for the percent sign, which stay %2F and
// %25. So a slash always separates, and a path without escapes is its own
// normalized form.
func normalized(escaped string) string {
	if strings.IndexByte(escaped, '%') < 0 {
		return escaped
	}
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		segments[i] = normalizedSegment(s)
	}
	return strings.Join(segments, "/")
}

func normalizedSegment(escaped string) string {
	if plain, err := url.PathUnescape(escaped); err == nil {
		escaped = plain
	}
	return guarded.Replace(escaped)
}

var (
	guarded   = strings.NewReplacer("%", "%25", "/", "%2F")
	unguarded = strings.NewReplacer("%25", "%", "%2F", "/")
)
