package globalregistry

var codecs = map[string]func(){}

func Register(name string, c func()) { codecs[name] = c } // want `Register writes to codecs, which exists once in a program`

type Set struct{ m map[string]func() }

func (s *Set) Register(name string, c func()) { s.m[name] = c }

func registerOwn(name string, c func()) { codecs[name] = c }
