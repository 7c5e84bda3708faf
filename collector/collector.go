package collector

import "context"

// A Collector yields values under names that it describes beforehand. V is the
// type of the values: a number, a record, a function that writes.
//
// The same collector is one that compares equal, which for a pointer is itself.
// A collector of a type that cannot be compared is never the same as another;
// it can be registered, but neither recognised nor unregistered.
type Collector[V any] interface {
	// Describe lists what Collect may emit. It is called once, when the
	// collector is registered, and must do without what Collect needs: it is
	// often called while packages initialise.
	Describe() []Desc

	// Collect calls emit at most once for each name it described; it may leave
	// names out. It returns when ctx is done. It may be called by several
	// goroutines at the same time.
	Collect(ctx context.Context, emit func(name string, v V)) error
}

// A Desc describes the value under one name.
type Desc struct {
	Name string // printable text of up to [roster.MaxNameLen] bytes, unique in its registry
	Help string // what the value says, with its unit, for whoever reads it; may be empty
}

// A Result is a value that was collected.
type Result[V any] struct {
	Desc

	Value V
}

// Func makes a collector of one name. Every call makes another collector, also
// for the same function.
func Func[V any](name, help string, produce func(ctx context.Context) (V, error)) Collector[V] {
	return &single[V]{desc: Desc{Name: name, Help: help}, produce: produce}
}

type single[V any] struct {
	desc    Desc
	produce func(ctx context.Context) (V, error)
}

var _ Collector[int] = (*single[int])(nil)

func (s *single[V]) Describe() []Desc { return []Desc{s.desc} }

func (s *single[V]) Collect(ctx context.Context, emit func(name string, v V)) error {
	v, err := s.produce(ctx)
	if err != nil {
		return err
	}
	emit(s.desc.Name, v)
	return nil
}
