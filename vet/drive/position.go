package drive

import (
	"bytes"
	"os"
	"path/filepath"
	"unicode/utf16"
	"unicode/utf8"
)

// sourceTexts tells where bytes of source files are, in the units that editors and SARIF count: lines, and
// UTF-16 code units in a line, both from 1. It reads each file once.
type sourceTexts struct {
	dir   string // what relative names are relative to
	texts map[string][]byte
}

func newSourceTexts(dir string) *sourceTexts {
	return &sourceTexts{dir: dir, texts: make(map[string][]byte)}
}

// text is a file's content, nil if it cannot be read.
func (s *sourceTexts) text(file string) []byte {
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.dir, filepath.FromSlash(file))
	}
	text, ok := s.texts[file]
	if !ok {
		text, _ = os.ReadFile(file)
		s.texts[file] = text
	}
	return text
}

// column converts a column in bytes, from 1, of a line of a file. It is 0, which says nothing, if the file
// does not have it.
func (s *sourceTexts) column(file string, line, column int) int {
	text := s.text(file)
	for ; line > 1; line-- {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return 0
		}
		text = text[end+1:]
	}
	if end := bytes.IndexByte(text, '\n'); end >= 0 {
		text = text[:end]
	}
	if column < 1 || column-1 > len(text) {
		return 0
	}
	return units(text[:column-1]) + 1
}

// position converts an offset in bytes, from 0; ok is false if the file does not have it.
func (s *sourceTexts) position(file string, offset int) (line, column int, ok bool) {
	text := s.text(file)
	if offset < 0 || offset > len(text) {
		return 0, 0, false
	}
	before := text[:offset]
	return bytes.Count(before, []byte{'\n'}) + 1, units(before[bytes.LastIndexByte(before, '\n')+1:]) + 1, true
}

// units counts the UTF-16 code units of a text. A byte that is not UTF-8 counts as one.
func units(text []byte) int {
	n := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		n += utf16.RuneLen(r)
		text = text[size:]
	}
	return n
}
