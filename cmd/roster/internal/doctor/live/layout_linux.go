package live

import (
	"debug/dwarf"
	"errors"
	"fmt"
	"strings"
)

// A layout says where the fields of runtime.g are, which differs from one Go to the next.
type layout struct {
	size                 int64
	goid, status, reason int64
	schedPC, schedBP     int64
	syscallPC, syscallBP int64
	stackLow, stackHigh  int64
	createdBy, parent    int64
}

var errNoLayout = errors.New("the debug information does not tell the layout of runtime.g")

// readLayout finds the struct in the debug information. It stands in one of the units of package runtime,
// or in one that the linker makes for types.
func readLayout(debug *dwarf.Data) (layout, error) {
	r := debug.Reader()
	for {
		entry, err := r.Next()
		if err != nil || entry == nil {
			return layout{}, errNoLayout
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		switch {
		case entry.Tag == dwarf.TagStructType && name == "runtime.g":
			return layoutOf(debug, entry.Offset)
		case entry.Tag == dwarf.TagCompileUnit && !strings.Contains(name, "/"):
			// into it
		default:
			r.SkipChildren()
		}
	}
}

func layoutOf(debug *dwarf.Data, at dwarf.Offset) (layout, error) {
	t, err := debug.Type(at)
	if err != nil {
		return layout{}, fmt.Errorf("runtime.g: %w", err)
	}
	g, ok := t.(*dwarf.StructType)
	if !ok {
		return layout{}, errNoLayout
	}
	l := layout{size: g.ByteSize}
	for path, offset := range map[[2]string]*int64{
		{"goid"}: &l.goid, {"atomicstatus"}: &l.status, {"waitreason"}: &l.reason,
		{"sched", "pc"}: &l.schedPC, {"sched", "bp"}: &l.schedBP,
		{"syscallpc"}: &l.syscallPC, {"syscallbp"}: &l.syscallBP,
		{"stack", "lo"}: &l.stackLow, {"stack", "hi"}: &l.stackHigh,
		{"gopc"}: &l.createdBy, {"parentGoid"}: &l.parent,
	} {
		const word = 8
		field := fieldOf(g, path[0])
		if field == nil {
			return layout{}, errNoLayout
		}
		*offset = field.ByteOffset
		if path[1] != "" {
			inner, ok := underlying(field.Type).(*dwarf.StructType)
			if !ok || fieldOf(inner, path[1]) == nil {
				return layout{}, errNoLayout
			}
			*offset += fieldOf(inner, path[1]).ByteOffset
		}
		if *offset < 0 || *offset+word > l.size {
			return layout{}, errNoLayout
		}
	}
	const largest = 1 << 16
	if l.size > largest {
		return layout{}, errNoLayout
	}
	return l, nil
}

// underlying takes the names off a type.
func underlying(t dwarf.Type) dwarf.Type {
	for {
		named, ok := t.(*dwarf.TypedefType)
		if !ok {
			return t
		}
		t = named.Type
	}
}

func fieldOf(s *dwarf.StructType, name string) *dwarf.StructField {
	for _, f := range s.Field {
		if f.Name == name {
			return f
		}
	}
	return nil
}
