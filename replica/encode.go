package replica

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// MaxEntryLen bounds what [Decode] reads, in bytes: an entry in which every region holds a write of
// the full size.
const MaxEntryLen = MaxRegions * (MaxValueLen*4/3 + 2*MaxNameLen + 256)

// Validate returns an [*InvalidError] for the first rule that the entry breaks, or nil. The key,
// the regions and the values keep to their limits; there are at most [MaxRegions] of them, and
// counts and times are 1 to [MaxCount]; writes are sorted by region, one each; the context covers them;
// a deletion has no value.
//
// Everything that the operations of this package make of valid entries and regions is valid,
// except that a value may be too long and regions too many.
func (e Entry) Validate() error {
	if fault := keyFault(e.Key); fault != "" {
		return &InvalidError{Key: e.Key, Field: "key", Fault: fault}
	}
	if field, fault := contextFault(e.Context); fault != "" {
		return &InvalidError{Key: e.Key, Field: field, Fault: fault}
	}
	for n, w := range e.Writes {
		field, fault := e.writeFault(w)
		if fault == "" && n > 0 && e.Writes[n-1].Dot.Region >= w.Dot.Region {
			field, fault = "dot", "it is not sorted by region with one write for each"
		}
		if fault != "" {
			return &InvalidError{Key: e.Key, Field: "writes[" + strconv.Itoa(n) + "]." + field, Fault: fault}
		}
	}
	return nil
}

// Validate returns an [*InvalidError] if the context has more than [MaxRegions] regions, one that
// is no id, or a count of zero.
func (c Context) Validate() error {
	if field, fault := contextFault(c); fault != "" {
		return &InvalidError{Field: field, Fault: fault}
	}
	return nil
}

func contextFault(c Context) (field, fault string) {
	if len(c) > MaxRegions {
		return "context", fmt.Sprintf("it has %d regions, the limit is %d", len(c), MaxRegions)
	}
	for _, region := range c.Regions() {
		if fault := idFault(region); fault != "" {
			return "context", fmt.Sprintf("region %q: %s", shorten(region), fault)
		}
		if c[region] == 0 {
			return "context", fmt.Sprintf("region %q: its count is zero", shorten(region))
		}
		if c[region] > MaxCount {
			return "context", fmt.Sprintf("region %q: its count is over %d", shorten(region), uint64(MaxCount))
		}
	}
	return "", ""
}

func (e Entry) writeFault(w Write) (field, fault string) {
	switch {
	case w.Dot.Count == 0:
		return "dot", "its count is zero"
	case !e.Context.Covers(w.Dot): // so the region is an id of the context, which is checked
		return "dot", "the context does not cover it"
	case w.Time == 0:
		return "time", "it is zero"
	case w.Time > MaxCount:
		return "time", fmt.Sprintf("it is over %d", uint64(MaxCount))
	case w.Deleted && len(w.Value) > 0:
		return "value", "a deletion has none"
	case len(w.Value) > MaxValueLen:
		return "value", fmt.Sprintf("it has %d bytes, the limit is %d", len(w.Value), MaxValueLen)
	}
	return "", ""
}

// Regions returns the regions of the context, sorted.
func (c Context) Regions() []string {
	regions := make([]string, 0, len(c))
	for region := range c {
		regions = append(regions, region)
	}
	slices.Sort(regions)
	return regions
}

// Encode returns the entry's canonical JSON: equal entries have equal bytes. The error is an
// [*InvalidError].
func (e Entry) Encode() ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(e)
	if err != nil { // strings, numbers and bytes always encode
		return nil, fmt.Errorf("replica: entry %q: encode: %w", shorten(e.Key), err)
	}
	return text, nil
}

// Decode reads what [Entry.Encode] or a later version of it wrote: fields that it does not know are
// ignored. The result is valid. The error is an [*InvalidError] or, if the text is not the JSON of
// an entry, a [*DecodeError]; neither is worth a retry with the same text.
func Decode(text []byte) (Entry, error) {
	if len(text) > MaxEntryLen {
		return Entry{}, &DecodeError{Err: fmt.Errorf("%d bytes, the limit is %d", len(text), MaxEntryLen)}
	}
	var e Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return Entry{}, &DecodeError{Err: err}
	}
	if err := e.Validate(); err != nil {
		return Entry{}, err
	}
	for n := range e.Writes {
		if len(e.Writes[n].Value) == 0 {
			e.Writes[n].Value = nil // as it is encoded
		}
	}
	return e, nil
}

// A DecodeError reports a text that is not the JSON of an entry.
type DecodeError struct {
	Err error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("replica: not an entry: %v: find out who wrote it, it was not this package", e.Err)
}

// Unwrap returns what encoding/json reports.
func (e *DecodeError) Unwrap() error { return e.Err }

// Is makes errors.Is(err, ErrInvalid) true.
func (e *DecodeError) Is(target error) bool { return target == ErrInvalid }
