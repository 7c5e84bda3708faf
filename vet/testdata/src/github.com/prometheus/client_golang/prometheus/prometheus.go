package prometheus

type Collector interface{}

type CounterOpts struct {
	Namespace, Subsystem, Name string
	ConstLabels                map[string]string
}

func NewCounter(o CounterOpts) Collector { return nil }

func MustRegister(c ...Collector) {}
