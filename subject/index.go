package subject

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/roster-go/roster"
)

// An interest is who subscribes to one pattern.
type interest[T any] struct {
	each   []member[T]
	groups []group[T]   // by name
	only   [1]member[T] // the array of each if there is one: most patterns have one subscription
}

// A group is the members of one queue group that subscribe to one pattern.
type group[T any] struct {
	name    string
	members []member[T]
}

type member[T any] struct {
	*Subscription[T]
	tally roster.Tally
}

type index[T any] struct{ trie[interest[T]] }

// An edit is what changes for one pattern, or for one group of it.
type edit[T any] struct {
	gone  map[*Subscription[T]]bool
	added []member[T]
}

// buildIndex makes the index of the version that is to come.
func buildIndex[T any](last *index[T], next *roster.Edition[*Subscription[T]]) *index[T] {
	if last == nil || next.Len() == 0 {
		last = new(index[T])
	}
	x, b := *last, new(build)
	for pattern, edits := range editsOf(next) {
		in := x.get(pattern).with(edits)
		x.trie = x.with(b, pattern, in)
	}
	return &x
}

// editsOf sorts a change by pattern and queue group.
func editsOf[T any](next *roster.Edition[*Subscription[T]]) map[string]map[string]*edit[T] {
	all := make(map[string]map[string]*edit[T])
	of := func(s *Subscription[T]) *edit[T] {
		groups := all[s.pattern]
		if groups == nil {
			groups = make(map[string]*edit[T], 1)
			all[s.pattern] = groups
		}
		e := groups[s.queue]
		if e == nil {
			e = &edit[T]{gone: make(map[*Subscription[T]]bool)}
			groups[s.queue] = e
		}
		return e
	}
	change := next.Change()
	for _, name := range slices.Concat(change.Removed, change.Replaced) {
		if s, ok := next.Previous(name); ok {
			of(s).gone[s] = true
		}
	}
	for _, name := range slices.Concat(change.Added, change.Replaced) {
		if s, ok := next.Get(name); ok {
			e := of(s)
			e.added = append(e.added, member[T]{s, next.Tally(name)})
		}
	}
	return all
}

// with is the interest in which the edits by queue group have been made, or nil
// if nobody is left.
func (in *interest[T]) with(edits map[string]*edit[T]) *interest[T] {
	made := new(interest[T])
	if in != nil {
		made.each, made.groups = in.each, slices.Clone(in.groups)
	}
	for name, e := range edits {
		if name == "" {
			made.each = e.of(made.each)
			continue
		}
		i, ok := made.find(name)
		if !ok {
			made.groups = slices.Insert(made.groups, i, group[T]{name: name})
		}
		made.groups[i].members = e.of(made.groups[i].members)
		if len(made.groups[i].members) == 0 {
			made.groups = slices.Delete(made.groups, i, i+1)
		}
	}
	switch len(made.each) {
	case 0:
		if len(made.groups) == 0 {
			return nil
		}
	case 1:
		made.only[0] = made.each[0]
		made.each = made.only[:]
	}
	return made
}

// of is members after the edit. Versions follow each other in one line, so what is
// appended behind the end of the last one's slice is seen by nobody else.
func (e *edit[T]) of(members []member[T]) []member[T] {
	if len(e.gone) > 0 {
		members = slices.DeleteFunc(slices.Clone(members), func(m member[T]) bool { return e.gone[m.Subscription] })
	}
	return append(members, e.added...)
}

func (in *interest[T]) find(queue string) (int, bool) {
	return slices.BinarySearchFunc(in.groups, queue, func(g group[T], queue string) int { return cmp.Compare(g.name, queue) })
}

// membersOf is who of the queue group subscribes to the pattern.
func (in *interest[T]) membersOf(queue string) []member[T] {
	if i, ok := in.find(queue); ok {
		return in.groups[i].members
	}
	return nil
}

// nameFor is a name for the nth subscription of a bus, if the caller has none.
func nameFor(pattern, queue string, n uint64) string {
	const limit = 100 // of each part, to stay below roster.MaxNameLen
	if queue != "" {
		queue = "@" + cutTo(queue, limit)
	}
	return fmt.Sprintf("%s%s#%d", cutTo(pattern, limit), queue, n)
}
