package access

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
)

// pageStyle is the style of the small pages of this package.
const pageStyle template.CSS = `
:root { color-scheme: light dark; --ink: #1b1f24; --ground: #fbfaf7; --line: #767e87; --link: #0b57a4; --bad: #a3231d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ea; --ground: #15181c; --line: #8b949e; --link: #7fb8f5; --bad: #ff9a92; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(26rem, 100vw - 2rem); }
h1 { font-size: 1.5rem; }
label { display: block; font-weight: 600; }
input, button { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: 0 .75rem; font: inherit; border-radius: .4rem;
  border: 1px solid var(--line); }
input { margin: .25rem 0 1rem; background: transparent; color: inherit; font-family: ui-monospace, monospace; }
button { background: var(--link); color: var(--ground); border-color: transparent; font-weight: 600; cursor: pointer; }
a { color: var(--link); }
[role=alert] { color: var(--bad); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
`

// pagePolicy lets a page have its style and send its form, and nothing else.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

const pageHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="same-origin">
<title>{{template "title" .}} · Roster</title>
<style>{{.Style}}</style>
</head>
<body>
<main>
<h1>{{template "title" .}}</h1>
{{template "main" .}}</main>
</body>
</html>
`

func newPage(name, title, body string) *template.Template {
	t := template.Must(template.New(name).Parse(pageHead))
	template.Must(t.New("title").Parse(title))
	template.Must(t.New("main").Parse(body))
	return t
}

var refusedPage = newPage("refused", "This request was refused", `<p role="alert">{{.Problem}}</p>
<p>Nothing was done.</p>
{{if .SignIn}}<p><a href="`+LoginPath+`">Sign in with another token</a></p>
{{end}}`)

var loginPage = newPage("login", "Sign in", `{{with .Problem}}<p role="alert" id="problem">{{.}}</p>
{{end}}{{if .Open}}<p>This daemon asks nobody who they are, so there is no need to sign in.</p>
{{else}}<form method="post" action="`+LoginPath+`">
<input type="hidden" name="next" value="{{.Next}}">
<label for="token">Token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false"
{{- if .Problem}} aria-invalid="true" aria-describedby="problem"{{end}}>
<button type="submit">Sign in</button>
</form>
<p><code>roster token new</code> makes a token.</p>
{{end}}`)
