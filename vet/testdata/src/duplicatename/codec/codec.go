package codec

var codecs = map[string]int{}

func Register(name string, n int) { codecs[name] = n }

var byKind = map[string]map[string]int{}

// RegisterOf registers a name that only has to be its kind's alone.
func RegisterOf(name, kind string) {
	if byKind[kind] == nil {
		byKind[kind] = make(map[string]int)
	}
	byKind[kind][name] = 1
}
