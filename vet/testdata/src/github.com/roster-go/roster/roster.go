package roster

type Registry[T any] struct{}

func New[T any]() *Registry[T] { return nil }

func (r *Registry[T]) Register(name string, v T)           {}
func (r *Registry[T]) TryRegister(name string, v T) error  { return nil }
func (r *Registry[T]) Lookup(name string) (v T, err error) { return v, nil }
func (r *Registry[T]) Get(name string) (v T, ok bool)      { return v, false }

type Hot[T any] struct{}

func NewHot[T any]() *Hot[T] { return nil }

func (h *Hot[T]) Register(name string, v T)           {}
func (h *Hot[T]) Unregister(name string) error        { return nil }
func (h *Hot[T]) Lookup(name string) (v T, err error) { return v, nil }
