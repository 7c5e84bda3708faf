package kill

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Kind says what sort of thing a [Target] is.
type Kind string

// The kinds of targets. KindCanary is reserved for the canary kills of hubs: it names nothing
// that runs, and nobody can ask for it.
const (
	KindCapability Kind = "capability"
	KindPlugin     Kind = "plugin"
	KindEntry      Kind = "entry"
	KindInstance   Kind = "instance"
	KindNamespace  Kind = "namespace"
	KindCanary     Kind = "canary"
)

// MaxName is the length in bytes that a name or a part of a target may have at most.
const MaxName = 256

// A Target is what a kill hits. It is comparable, so that it can be the key of a map.
type Target struct {
	Kind Kind
	// Name is the capability, the plugin, the registry of an entry, the service of an
	// instance, or the namespace.
	Name string
	// Part is the version of a plugin, or "" for all its versions; the name of an entry; the
	// id of an instance; "" for the other kinds.
	Part string
}

// Capability is the target of everything that provides the capability.
func Capability(name string) Target { return Target{Kind: KindCapability, Name: name} }

// Plugin is the target of one version of a plugin, or of all its versions if version is "".
func Plugin(name, version string) Target {
	return Target{Kind: KindPlugin, Name: name, Part: version}
}

// Entry is the target of one entry of a registry.
func Entry(registry, name string) Target {
	return Target{Kind: KindEntry, Name: registry, Part: name}
}

// Instance is the target of one instance of a service.
func Instance(service, id string) Target {
	return Target{Kind: KindInstance, Name: service, Part: id}
}

// Namespace is the target of a whole namespace.
func Namespace(name string) Target { return Target{Kind: KindNamespace, Name: name} }

// A TargetError reports a text or a value that is no target.
type TargetError struct {
	Target string
	Why    string
}

func (e *TargetError) Error() string {
	return fmt.Sprintf("kill: %q is no target: %s; a target is capability/NAME, plugin/NAME, plugin/NAME@VERSION, "+
		"entry/REGISTRY/NAME, instance/SERVICE/ID or namespace/NAME", e.Target, e.Why)
}

// ParseTarget reads the text form of a target:
//
//	capability/text.stats
//	plugin/markdown
//	plugin/markdown@1.2.0
//	entry/REGISTRY/NAME
//	instance/SERVICE/ID
//	namespace/orders
//
// Inside names, '/', '@', '%' and spaces are written as '%' and two upper-case hexadecimal
// digits, so that each target has one text and each text one target. An error is a [*TargetError].
func ParseTarget(text string) (Target, error) {
	fail := func(why string) (Target, error) { return Target{}, &TargetError{text, why} }
	kind, rest, found := strings.Cut(text, "/")
	if !found {
		return fail("it has no '/'")
	}
	t := Target{Kind: Kind(kind)}
	name, part := rest, ""
	switch separator := t.Kind.separator(); separator {
	case "":
	case "@":
		var versioned bool
		if name, part, versioned = strings.Cut(rest, "@"); versioned && part == "" {
			return fail("the version after '@' is empty")
		}
	default:
		name, part, _ = strings.Cut(rest, separator)
	}
	var ok [2]bool
	t.Name, ok[0] = unescape(name)
	t.Part, ok[1] = unescape(part)
	if !ok[0] || !ok[1] {
		return fail("a '%' is followed by two upper-case hexadecimal digits, and only '%', '/', '@' and spaces are written that way")
	}
	if err := t.Validate(); err != nil {
		return Target{}, err
	}
	if t.String() != text {
		return fail("it is to be written " + t.String())
	}
	return t, nil
}

// String is the text form that [ParseTarget] reads.
func (t Target) String() string {
	if t.Part == "" {
		return string(t.Kind) + "/" + escape(t.Name)
	}
	separator := t.Kind.separator()
	if separator == "" {
		separator = "/"
	}
	return string(t.Kind) + "/" + escape(t.Name) + separator + escape(t.Part)
}

// Validate reports, as a [*TargetError], why t is no target.
func (t Target) Validate() error {
	fail := func(why string) error { return &TargetError{t.String(), why} }
	switch t.Kind {
	case KindCapability, KindNamespace, KindCanary:
		if t.Part != "" {
			return fail("it has a part too many")
		}
	case KindEntry, KindInstance:
		if t.Part == "" {
			return fail("a part is missing")
		}
	case KindPlugin:
	default:
		return fail(fmt.Sprintf("there is no kind %q", t.Kind))
	}
	if t.Name == "" {
		return fail("the name is empty")
	}
	for _, name := range []string{t.Name, t.Part} {
		switch {
		case len(name) > MaxName:
			return fail(fmt.Sprintf("a name has more than %d bytes", MaxName))
		case !plain(name):
			return fail("a name has control characters or is not UTF-8")
		}
	}
	return nil
}

// MarshalText is the text form, for JSON.
func (t Target) MarshalText() ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return []byte(t.String()), nil
}

// UnmarshalText is [ParseTarget].
func (t *Target) UnmarshalText(text []byte) error {
	parsed, err := ParseTarget(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}

func (t Target) compare(other Target) int {
	return cmp.Or(cmp.Compare(t.Kind, other.Kind), cmp.Compare(t.Name, other.Name), cmp.Compare(t.Part, other.Part))
}

// separator is what stands between the name and the part of a target of this kind.
func (k Kind) separator() string {
	switch k {
	case KindPlugin:
		return "@"
	case KindEntry, KindInstance:
		return "/"
	default:
		return ""
	}
}

// plain reports whether text is UTF-8 without control characters: safe in a terminal, and the
// same after a trip through JSON.
func plain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func reserved(c byte) bool { return c == '%' || c == '/' || c == '@' || c == ' ' }

const upperHex = "0123456789ABCDEF"

func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; reserved(c) {
			b.Write([]byte{'%', upperHex[c>>4], upperHex[c&0xf]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescape(text string) (name string, ok bool) {
	if !strings.ContainsAny(text, "%/@ ") {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c != '%' {
			if reserved(c) {
				return "", false
			}
			b.WriteByte(c)
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		high, low := strings.IndexByte(upperHex, text[i+1]), strings.IndexByte(upperHex, text[i+2])
		if high < 0 || low < 0 || !reserved(byte(high<<4|low)) {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), true
}
