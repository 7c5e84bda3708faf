package console

import "github.com/roster-go/roster"

// A Kind says what a text is that a [Handler] is about to show.
type Kind string

// The kinds. More may come: let a function for [Redact] hide what it does not
// know if hiding matters more than seeing.
const (
	RegistryName Kind = "registry" // hiding it hides the registry with all that is in it
	EntryName    Kind = "entry"    // registered, asked for, changed or leased; hiding it hides all about it
	TypeName     Kind = "type"     // of an element or of a value
	FileName     Kind = "file"     // of a place in the source; hiding it hides the line as well
	FunctionName Kind = "function" // of such a place
	PackagePath  Kind = "package"  // of such a place, or to import
	ModulePath   Kind = "module"   // of such a place; hiding it hides the module's version as well
	Remark       Kind = "remark"   // why an entry is suspended, or what to know of a package to import
	OwnerLabel   Kind = "label"    // of somebody who holds a pin or a lease
)

// A Field is a text that a [Handler] is about to show.
type Field struct {
	Kind     Kind
	Registry string // the registry's name, also if it is shown under another
	Entry    string // the entry's name, likewise; empty if the text is not about a single entry
	Text     string
}

// Redact has f decide about every text that comes from the program before it is
// shown, searched or sorted, in pages and in JSON alike: it returns what to show
// instead, or false to hide it. Numbers are shown as they are: the size of a
// registry counts entries that are hidden.
//
// A registry or an entry that is hidden is answered like one that does not
// exist, and one that is renamed is found under its new name only. f must be safe
// for concurrent use, fast, and give the same answer to the same question. Texts
// are decided on one by one: the function and often the file of a place name its
// package, and a remark may name anything. If the option is given twice, the second
// sees what the first lets through.
func Redact(f func(Field) (shown string, ok bool)) Option {
	return func(c *console) {
		first := c.redact
		if first == nil {
			c.redact = f
			return
		}
		c.redact = func(field Field) (string, bool) {
			shown, ok := first(field)
			if !ok {
				return "", false
			}
			field.Text = shown
			return f(field)
		}
	}
}

// A censor redacts what is shown of one registry.
type censor struct {
	redact   func(Field) (string, bool) // or nil
	registry string
}

func (c censor) text(kind Kind, entry, text string) (string, bool) {
	if c.redact == nil || text == "" {
		return text, true
	}
	shown, ok := c.redact(Field{Kind: kind, Registry: c.registry, Entry: entry, Text: text})
	if !ok {
		return "", false
	}
	return shown, true
}

// shown is text for those texts that are left empty when they are hidden.
func (c censor) shown(kind Kind, entry, text string) string {
	shown, _ := c.text(kind, entry, text)
	return shown
}

// name is the name of an entry, which is not shown if ok is false.
func (c censor) name(name string) (shown string, ok bool) {
	if name == roster.OtherName {
		return name, true
	}
	return c.text(EntryName, name, name)
}

// names are those that are shown, at most limit, and how many there are beyond.
func (c censor) names(names []string, limit int) (shown []string, more int) {
	for _, name := range names {
		s, ok := c.name(name)
		switch {
		case !ok:
		case len(shown) < limit:
			shown = append(shown, s)
		default:
			more++
		}
	}
	return shown, more
}

func (c censor) site(entry string, s roster.Site) site {
	shown := site(s)
	if c.redact == nil {
		return shown
	}
	var ok bool
	if shown.File, ok = c.text(FileName, entry, s.File); !ok {
		shown.Line = 0
	}
	if shown.Module, ok = c.text(ModulePath, entry, s.Module); !ok {
		shown.Version = ""
	}
	shown.Function = c.shown(FunctionName, entry, s.Function)
	shown.Package = c.shown(PackagePath, entry, s.Package)
	return shown
}
