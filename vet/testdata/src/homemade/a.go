package homemade

import (
	"fmt"
	"sync"
)

type Codec interface{ Encode() }

var codecs = map[string]Codec{}

func Register(name string, c Codec) { codecs[name] = c } // want `the registry codecs overwrites a name that is taken, silently, has no mutex and does not list its names`

func Get(name string) Codec { return codecs[name] }

var (
	mu     sync.Mutex
	locked = map[string]func(){}
)

func RegisterLocked(name string, f func()) { // want `the registry locked overwrites a name that is taken, silently; package roster`
	mu.Lock()
	defer mu.Unlock()
	locked[name] = f
}

func Names() (names []string) {
	for name := range locked {
		names = append(names, name)
	}
	return names
}

var Filters = map[string]Codec{}

func AddFilter(name string, c Codec) { Filters[name] = c } // want `the registry Filters overwrites a name that is taken, silently and has no mutex; package roster`

// What follows stays quiet.

var careful = map[string]Codec{}

func RegisterCareful(name string, c Codec) {
	if _, ok := careful[name]; ok {
		panic(fmt.Sprintf("%s is taken", name))
	}
	careful[name] = c
}

var titles = map[string]string{}

func RegisterTitle(name, title string) { titles[name] = title }

var cache = map[string]Codec{}

func Remember(name string, c Codec) { cache[name] = c }

var hooks = map[string][]func(){}

func RegisterHook(name string, f func()) { hooks[name] = append(hooks[name], f) }
