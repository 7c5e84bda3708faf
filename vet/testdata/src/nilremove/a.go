package nilremove

import (
	"database/sql"
	"net/http"

	"github.com/roster-go/roster"
)

type codec interface{ Encode() }

type gzip struct{}

func (gzip) Encode() {}

var codecs = roster.NewHot[codec]()

func init() {
	codecs.Register("gzip", gzip{})
	codecs.Register("gzip", nil) // want `nil is registered in nilremove.codecs: that removes nothing`
	sql.Register("old", nil)     // want `nil is registered in database/sql drivers`
	http.Handle("/old", nil)     // want `nil is registered in patterns of http.DefaultServeMux`
	Register("old", nil)         // want `nil is registered in nilremove.own`
	Register("new", gzip{})
	configure("old", nil)
}

var own = map[string]codec{}

func Register(name string, c codec) { own[name] = c }

func configure(name string, c codec) {}
