package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrNewer is in the error about data of a version that this program does not know
// yet.
var ErrNewer = errors.New("data is newer than the program")

// contents are what an envelope holds.
type contents struct {
	tag   string
	value []byte // the whole object, if the envelope is inline
}

// open reads the top level of an object and skips what is in it, so that a value is
// decoded once. It trusts nothing: what it lets pass is checked by whoever decodes
// the value. The offset is that of what fault is about.
func open(data []byte, e Envelope) (c contents, at int, fault string) {
	s := scanner{data: data}
	s.blank()
	if !s.next('{') {
		return c, s.at, "an object with the field " + e.name + " is wanted here"
	}
	named := false
	for first := true; ; first = false {
		s.blank()
		if s.next('}') {
			break
		}
		if !first && !s.next(',') {
			return c, s.at, "a comma or the end of the object is wanted here"
		}
		s.blank()
		begin := s.at
		key, ok := s.text()
		s.blank()
		if !ok || !s.next(':') {
			return c, begin, "a field and a colon are wanted here"
		}
		s.blank()
		begin = s.at
		if !s.skip() {
			return c, s.at, s.fault()
		}
		switch value := data[begin:s.at]; {
		case key == e.name && named:
			return c, begin, "the field " + key + " is there twice"
		case key == e.name:
			if json.Unmarshal(value, &c.tag) != nil || len(value) == 0 || value[0] != '"' {
				return c, begin, "the field " + key + " must be a string with the name of a type"
			}
			named = true
		case e.value != "" && key == e.value && c.value != nil:
			return c, begin, "the field " + key + " is there twice"
		case e.value != "" && key == e.value:
			c.value = value
		case e.value != "":
			return c, begin, fmt.Sprintf("there is a field %.40q; the object has the fields %s and %s only", key, e.name, e.value)
		}
	}
	s.blank()
	if s.at < len(data) {
		return c, s.at, "something comes after the object"
	}
	switch {
	case !named:
		return c, 0, missing(e.name)
	case e.value == "":
		c.value = data
	case c.value == nil:
		return c, 0, "the field " + e.value + " is missing"
	}
	return c, 0, ""
}

func missing(field string) string {
	return "the field " + field + " with the name of a type is missing"
}

// A scanner passes over JSON.
type scanner struct {
	data    []byte
	at      int
	tooDeep bool
}

func (s *scanner) fault() string {
	if s.tooDeep {
		return fmt.Sprintf("it is nested more than %d deep", MaxDepth)
	}
	return "a value is wanted here"
}

func (s *scanner) blank() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

func (s *scanner) next(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

// quoted passes over a string.
func (s *scanner) quoted() bool {
	if !s.next('"') {
		return false
	}
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	s.at = len(s.data)
	return false
}

// text reads a string.
func (s *scanner) text() (text string, ok bool) {
	begin := s.at
	if !s.quoted() {
		return "", false
	}
	quoted := s.data[begin:s.at]
	if slices.Contains(quoted, '\\') {
		return text, json.Unmarshal(quoted, &text) == nil
	}
	return string(quoted[1 : len(quoted)-1]), true
}

// skip passes over a value. Of objects and arrays it only sees where they end.
func (s *scanner) skip() bool {
	begin, depth := s.at, 1 // the object around the value
	for s.at < len(s.data) {
		switch s.data[s.at] {
		case '"':
			if !s.quoted() {
				return false
			}
			if depth == 1 {
				return true
			}
			continue
		case '{', '[':
			depth++
			if depth > MaxDepth {
				s.tooDeep = true
				return false
			}
		case '}', ']':
			if depth == 1 {
				return s.at > begin
			}
			depth--
			if depth == 1 {
				s.at++
				return true
			}
		case ',', ' ', '\n', '\t', '\r':
			if depth == 1 {
				return s.at > begin
			}
		}
		s.at++
	}
	return false
}
