package factory

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Limits of a config.
const (
	// MaxSize is the size limit of a config in JSON, and of a URL, in bytes.
	MaxSize = 1 << 20
	// MaxDepth is how deeply objects and lists may be nested.
	MaxDepth = 64
	// MaxValues is how many values a config may have, all levels together.
	MaxValues = 100_000
	// MaxFaults is how many faults of a config are reported at once.
	MaxFaults = 20
)

// A value is a part of a config from whichever source: the decoder knows no other
// form.
type value struct {
	is     source
	truth  bool
	text   string   // of a string; of a number as JSON writes it
	texts  []string // of a URL: all that was given under one name
	items  []value
	pairs  []pair
	raw    []byte // as it is written in JSON, if that is the source
	offset int    // in JSON, in bytes; -1 elsewhere
}

// A source is how a value was written.
type source int

const (
	null source = iota + 1
	truth
	number
	str
	loose // a text from a URL, which may stand for any scalar
	array
	record
)

// A pair is one of a record's, in the order of the source.
type pair struct {
	key    string
	value  value
	offset int
}

// words tells a person what is there, without telling the value itself, which may
// be a secret in the wrong place.
func (v *value) words() string {
	switch v.is {
	case null:
		return "null"
	case truth:
		return strconv.FormatBool(v.truth)
	case number:
		return "a number"
	case str, loose:
		return "a text"
	case array:
		return "a list"
	case record:
		return "an object"
	}
	return "nothing"
}

// json writes the value as JSON.
func (v *value) json() ([]byte, error) {
	if v.raw != nil {
		return v.raw, nil
	}
	switch v.is {
	case truth:
		return json.Marshal(v.truth) //nolint:wrapcheck // A bool can be written.
	case number:
		return []byte(v.text), nil
	case str, loose:
		return json.Marshal(v.text) //nolint:wrapcheck // A string can be written.
	case array:
		items := make([]json.RawMessage, len(v.items))
		for i := range v.items {
			items[i], _ = v.items[i].json() // marshaled below with the rest
		}
		return json.Marshal(items) //nolint:wrapcheck // It consists of JSON.
	case record:
		fields := make(map[string]json.RawMessage, len(v.pairs))
		for i := range v.pairs {
			fields[v.pairs[i].key], _ = v.pairs[i].value.json()
		}
		return json.Marshal(fields) //nolint:wrapcheck // It consists of JSON.
	case null:
	}
	return []byte("null"), nil
}

// A path leads to a value. It becomes text only if there is something to tell.
type path struct {
	parent *path
	name   string
	index  int // if name is ""
}

func (p *path) String() string {
	if p == nil {
		return ""
	}
	if p.name == "" {
		return fmt.Sprintf("%s[%d]", p.parent, p.index)
	}
	if before := p.parent.String(); before != "" {
		return before + "." + shortened(p.name)
	}
	return shortened(p.name)
}

// shortened is text, which may come from outside, on one short line.
func shortened(text string) string {
	const limit = 80
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	if quoted := fmt.Sprintf("%+q", text); len(quoted) != len(text)+2 {
		return quoted
	}
	return text
}
