package codec

var codecs = map[string]int{}

func Register(name string, n int) { codecs[name] = n }
