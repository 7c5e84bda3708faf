package prometheus

type Collector interface{}

type CounterOpts struct {
	Namespace, Subsystem, Name string
	ConstLabels                map[string]string
}

func NewCounter(o CounterOpts) Collector { return nil }

func MustRegister(c ...Collector) {}

// A Registry describes what is registered in a goroutine that it waits for.
type Registry struct{}

func NewRegistry() *Registry { return new(Registry) }

func (r *Registry) Register(c Collector) error {
	described := make(chan int)
	go func() { close(described) }()
	<-described
	return nil
}

func (r *Registry) MustRegister(c ...Collector) {
	for _, one := range c {
		if err := r.Register(one); err != nil {
			panic(err)
		}
	}
}
