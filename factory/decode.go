package factory

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// A decoder fills a Go value. It goes on after a fault, so that all of them can be
// told at once.
type decoder struct {
	data   []byte // if the source is JSON
	faults []*FieldError
	more   int // faults beyond MaxFaults
}

func (d *decoder) faultf(p *path, offset int, err error, format string, args ...any) {
	if len(d.faults) == MaxFaults {
		d.more++
		return
	}
	f := &FieldError{Path: p.String(), Problem: fmt.Sprintf(format, args...), Err: err}
	if offset >= 0 && d.data != nil {
		f.Line, f.Column = position(d.data, offset)
	}
	d.faults = append(d.faults, f)
}

func (d *decoder) wrongType(v *value, s *shape, p *path) {
	d.faultf(p, v.offset, nil, "%s is wanted, and %s is there", s.words(), v.words())
}

// decode fills x, which has the type of s and holds the default.
func (d *decoder) decode(v *value, s *shape, x reflect.Value, p *path) {
	if s.kind == optional {
		if v.is == null {
			x.SetZero()
			return
		}
		if x.IsNil() {
			x.Set(reflect.New(s.elem.goType))
		}
		d.decode(v, s.elem, x.Elem(), p)
		return
	}
	if v.is == null && s.kind != anything && s.kind != encoded {
		d.faultf(p, v.offset, nil, "%s is wanted, and null is there; leave the field out to have its default", s.words())
		return
	}
	if v.is == loose && len(v.texts) > 1 && s.kind != list {
		d.faultf(p, v.offset, nil, "it is given %d times, and it is not a list", len(v.texts))
		return
	}
	switch s.kind {
	case boolean, integer, unsigned, float:
		d.scalar(v, s, x, p)
	case text, secret, duration, binary, worded:
		d.wording(v, s, x, p)
	case encoded:
		d.encoded(v, s, x, p)
	case anything:
		d.anything(v, x, p)
	case list:
		d.list(v, s, x, p)
	case dict:
		d.dict(v, s, x, p)
	case object:
		d.object(v, s, x, p)
	case optional: // see above
	}
}

// scalar decodes a boolean or a number.
func (d *decoder) scalar(v *value, s *shape, x reflect.Value, p *path) {
	want := number
	if s.kind == boolean {
		want = truth
	}
	if v.is != want && v.is != loose {
		d.wrongType(v, s, p)
		return
	}
	ok := true
	switch s.kind { //nolint:exhaustive // These are all that come here.
	case boolean:
		on := v.truth
		if v.is == loose {
			on, ok = v.text == "true", v.text == "true" || v.text == "false"
		}
		x.SetBool(on)
	case integer:
		var n int64
		if n, ok = parsed(strconv.ParseInt(whole(v), 10, x.Type().Bits())); ok {
			x.SetInt(n)
		}
	case unsigned:
		var n uint64
		if n, ok = parsed(strconv.ParseUint(whole(v), 10, x.Type().Bits())); ok {
			x.SetUint(n)
		}
	case float:
		var n float64
		if n, ok = parsed(strconv.ParseFloat(v.text, x.Type().Bits())); ok && !math.IsInf(n, 0) && !math.IsNaN(n) {
			x.SetFloat(n)
		} else {
			ok = false
		}
	}
	switch {
	case ok:
	case v.is == number:
		d.faultf(p, v.offset, nil, "%s is wanted, and another number is there", s.words())
	default:
		d.faultf(p, v.offset, nil, "%s is wanted, and another text is there", s.words())
	}
}

// whole is a number that is written as 2.0 or 2e3 in JSON, where it means an integer.
func whole(v *value) string {
	if v.is != number || !strings.ContainsAny(v.text, ".eE") {
		return v.text
	}
	const exact = 1 << 53
	if f, err := strconv.ParseFloat(v.text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) <= exact {
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return v.text
}

func parsed[N any](n N, err error) (N, bool) { return n, err == nil }

// wording decodes what is written as a text.
func (d *decoder) wording(v *value, s *shape, x reflect.Value, p *path) {
	if v.is != str && v.is != loose {
		d.wrongType(v, s, p)
		return
	}
	switch s.kind { //nolint:exhaustive // These are all that come here.
	case text:
		x.SetString(strings.Clone(v.text))
	case secret:
		if v.text == redacted {
			d.faultf(p, v.offset, nil, "it is %s, which is what a secret prints as, and not the secret", redacted)
			return
		}
		x.Set(reflect.ValueOf(NewSecret(strings.Clone(v.text))))
	case duration:
		n, err := time.ParseDuration(v.text)
		if err != nil {
			d.faultf(p, v.offset, nil, "%s is wanted, and another text is there", s.words())
			return
		}
		x.SetInt(int64(n))
	case binary:
		b, err := base64.StdEncoding.DecodeString(v.text)
		if err != nil {
			d.faultf(p, v.offset, nil, "%s is wanted, and another text is there", s.words())
			return
		}
		x.SetBytes(b)
	case worded:
		target, _ := reflect.TypeAssert[encoding.TextUnmarshaler](x.Addr())
		if err := contained(func() error { return target.UnmarshalText([]byte(v.text)) }); err != nil {
			d.faultf(p, v.offset, err, "%s is wanted: %v", s.words(), err)
		}
	}
}

func (d *decoder) encoded(v *value, s *shape, x reflect.Value, p *path) {
	data, err := v.json()
	if err == nil {
		target, _ := reflect.TypeAssert[json.Unmarshaler](x.Addr())
		err = contained(func() error { return target.UnmarshalJSON(data) })
	}
	if err != nil {
		d.faultf(p, v.offset, err, "%s is wanted: %v", s.words(), err)
	}
}

func (d *decoder) anything(v *value, x reflect.Value, p *path) {
	data, err := v.json()
	var made any
	if err == nil {
		err = json.Unmarshal(data, &made)
	}
	switch {
	case err != nil: // a number that fits into no float64
		d.faultf(p, v.offset, err, "it cannot be read: %v", err)
	case made == nil:
		x.SetZero()
	default:
		x.Set(reflect.ValueOf(made))
	}
}

// contained calls code of others.
func contained(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return f()
}

// list replaces the default as a whole.
func (d *decoder) list(v *value, s *shape, x reflect.Value, p *path) {
	items := v.items
	if v.is == loose {
		items = make([]value, len(v.texts))
		for i, text := range v.texts {
			items[i] = looseText(text)
		}
	} else if v.is != array {
		d.wrongType(v, s, p)
		return
	}
	if x.Kind() == reflect.Array {
		if len(items) != x.Len() {
			d.faultf(p, v.offset, nil, "a list of %d is wanted, and one of %d is there", x.Len(), len(items))
			return
		}
		x.SetZero()
	} else {
		x.Set(reflect.MakeSlice(x.Type(), len(items), len(items)))
	}
	for i := range items {
		d.decode(&items[i], s.elem, x.Index(i), &path{parent: p, index: i})
	}
}

// dict replaces the default as a whole.
func (d *decoder) dict(v *value, s *shape, x reflect.Value, p *path) {
	if v.is != record {
		d.wrongType(v, s, p)
		return
	}
	x.Set(reflect.MakeMapWithSize(x.Type(), len(v.pairs)))
	for i := range v.pairs {
		item := reflect.New(s.elem.goType).Elem()
		d.decode(&v.pairs[i].value, s.elem, item, &path{parent: p, name: v.pairs[i].key})
		x.SetMapIndex(reflect.ValueOf(strings.Clone(v.pairs[i].key)).Convert(x.Type().Key()), item)
	}
}

// object decodes the fields that are there; the others keep their defaults.
func (d *decoder) object(v *value, s *shape, x reflect.Value, p *path) {
	if v.is != record {
		d.wrongType(v, s, p)
		return
	}
	given := make(map[string]bool, len(v.pairs))
	for i := range v.pairs {
		item := &v.pairs[i]
		of := &path{parent: p, name: item.key}
		f, ok := s.field(item.key)
		switch {
		case !ok:
			d.faultf(of, item.offset, nil, "there is no such field%s", didYouMean(item.key, s.names()))
		case given[item.key]:
			d.faultf(of, item.offset, nil, "the URL gives it in two ways")
		default:
			given[item.key] = true
			d.decode(&item.value, f.shape, x.FieldByIndex(f.index), of)
		}
	}
	for _, f := range s.fields {
		if f.required && !given[f.name] {
			d.faultf(&path{parent: p, name: f.name}, v.offset, nil, "it is required, and missing; %s is wanted", f.shape.words())
		}
	}
}

// validate calls the Validate methods of x and of what is in it, the inner ones
// first.
func (d *decoder) validate(s *shape, x reflect.Value, p *path) {
	switch s.kind { //nolint:exhaustive // Nothing is in the others.
	case optional:
		if !x.IsNil() {
			d.validate(s.elem, x.Elem(), p)
		}
	case list:
		for i := range x.Len() {
			d.validate(s.elem, x.Index(i), &path{parent: p, index: i})
		}
	case dict:
		for _, key := range sortedKeys(x) {
			item := reflect.New(s.elem.goType).Elem() // what a map holds has no address
			item.Set(x.MapIndex(key))
			d.validate(s.elem, item, &path{parent: p, name: key.String()})
		}
	case object:
		for _, f := range s.fields {
			d.validate(f.shape, x.FieldByIndex(f.index), &path{parent: p, name: f.name})
		}
	}
	if !s.checks {
		return
	}
	v, ok := reflect.TypeAssert[Validator](x)
	if x.CanAddr() {
		v, ok = reflect.TypeAssert[Validator](x.Addr())
	}
	if !ok {
		return
	}
	if err := contained(v.Validate); err != nil {
		d.faultf(p, -1, err, "%v", err)
	}
}
