package factory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// fromJSON reads data into a value. encoding/json does the reading; what it is too
// kind to mention is noticed here: where things are, a key that is there twice, what
// comes behind the end.
func fromJSON(data []byte) (value, error) {
	if len(data) > MaxSize {
		return value{offset: -1}, &FieldError{Problem: fmt.Sprintf("it has %d bytes, the limit is %d", len(data), MaxSize)}
	}
	r := jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data))}
	r.dec.UseNumber()
	v, err := r.value(nil, 0)
	if err != nil {
		return v, err
	}
	if begin := r.begin(); begin < len(data) {
		return v, r.fault(nil, begin, "something comes after the end of the config")
	}
	return v, nil
}

type jsonReader struct {
	data  []byte
	dec   *json.Decoder
	count int
}

// begin is where the next token begins.
func (r *jsonReader) begin() int {
	i := int(r.dec.InputOffset())
	for i < len(r.data) && strings.IndexByte(" \t\r\n,:", r.data[i]) >= 0 {
		i++
	}
	return i
}

func (r *jsonReader) fault(p *path, offset int, problem string) *FieldError {
	f := &FieldError{Path: p.String(), Problem: problem}
	f.Line, f.Column = position(r.data, offset)
	return f
}

// position is line and column of an offset, both from 1; columns count bytes.
func position(data []byte, offset int) (line, column int) {
	before := data[:min(offset, len(data))]
	return 1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')
}

func (r *jsonReader) token(p *path) (json.Token, error) {
	t, err := r.dec.Token()
	if err == nil {
		return t, nil
	}
	offset, problem := r.begin(), "it is not JSON: "+err.Error()
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(syntax.Offset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		offset, problem = len(r.data), "it is not JSON: it ends too early"
	}
	return nil, r.fault(p, offset, problem)
}

func (r *jsonReader) value(p *path, depth int) (value, error) {
	v := value{offset: r.begin()}
	if depth > MaxDepth {
		return v, r.fault(p, v.offset, fmt.Sprintf("it is nested more than %d deep", MaxDepth))
	}
	r.count++
	if r.count > MaxValues {
		return v, r.fault(p, v.offset, fmt.Sprintf("there are more than %d values", MaxValues))
	}
	t, err := r.token(p)
	if err != nil {
		return v, err
	}
	switch t := t.(type) {
	case nil:
		v.is = null
	case bool:
		v.is, v.truth = truth, t
	case json.Number:
		v.is, v.text = number, t.String()
	case string:
		v.is, v.text = str, t
	case json.Delim:
		if t == '[' {
			err = r.array(&v, p, depth)
		} else {
			err = r.record(&v, p, depth)
		}
	}
	v.raw = r.data[v.offset:r.dec.InputOffset()]
	return v, err
}

func (r *jsonReader) array(v *value, p *path, depth int) error {
	v.is = array
	for r.dec.More() {
		item, err := r.value(&path{parent: p, index: len(v.items)}, depth+1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	_, err := r.token(p)
	return err
}

func (r *jsonReader) record(v *value, p *path, depth int) error {
	v.is = record
	seen := make(map[string]bool)
	for r.dec.More() {
		begin := r.begin()
		t, err := r.token(p)
		if err != nil {
			return err
		}
		key, _ := t.(string)
		of := &path{parent: p, name: key}
		if seen[key] {
			return r.fault(of, begin, "the field is there twice")
		}
		seen[key] = true
		item, err := r.value(of, depth+1)
		if err != nil {
			return err
		}
		v.pairs = append(v.pairs, pair{key, item, begin})
	}
	_, err := r.token(p)
	return err
}
