package roster

// An Option adjusts a registry when it is created.
type Option func(*settings)

type settings struct {
	name      string
	directory *Directory
}

// Named gives a registry its name, the one that error texts, metrics and the
// debug pages use. Without it a registry is called after its element type, so
// that New[http.Handler]() is "http.Handler".
//
// A name that no registry entry could have (see [NameError]) makes the
// constructor panic: it is a mistake in the program, not in its input.
func Named(name string) Option {
	return func(s *settings) { s.name = name }
}

// In lists the registry in d instead of the process-wide [DefaultDirectory].
func In(d *Directory) Option {
	return func(s *settings) { s.directory = d }
}

func newSettings(elementType string, opts []Option) settings {
	s := settings{name: elementType, directory: DefaultDirectory()}
	for _, opt := range opts {
		opt(&s)
	}
	if s.directory == nil {
		s.directory = DefaultDirectory()
	}
	return s
}
