package bench_test

// The tables that routers of HTTP requests are usually compared with: the API of
// GitHub as of version 3, that of Parse, that of Google+, and the paths of a static
// site. A parameter is written :name, and every line is a method with its paths.

var githubRoutes = routeTable(map[string]string{
	"GET": `
		/authorizations /authorizations/:id /applications/:client_id/tokens/:access_token /events
		/repos/:owner/:repo/events /networks/:owner/:repo/events /orgs/:org/events /users/:user/received_events
		/users/:user/received_events/public /users/:user/events /users/:user/events/public
		/users/:user/events/orgs/:org /feeds /notifications /repos/:owner/:repo/notifications
		/notifications/threads/:id /notifications/threads/:id/subscription /repos/:owner/:repo/stargazers
		/users/:user/starred /user/starred /user/starred/:owner/:repo /repos/:owner/:repo/subscribers
		/users/:user/subscriptions /user/subscriptions /repos/:owner/:repo/subscription
		/user/subscriptions/:owner/:repo /users/:user/gists /gists /gists/:id /gists/:id/star
		/repos/:owner/:repo/git/blobs/:sha /repos/:owner/:repo/git/commits/:sha /repos/:owner/:repo/git/refs
		/repos/:owner/:repo/git/tags/:sha /repos/:owner/:repo/git/trees/:sha /issues /user/issues /orgs/:org/issues
		/repos/:owner/:repo/issues /repos/:owner/:repo/issues/:number /repos/:owner/:repo/assignees
		/repos/:owner/:repo/assignees/:assignee /repos/:owner/:repo/issues/:number/comments
		/repos/:owner/:repo/issues/:number/events /repos/:owner/:repo/labels /repos/:owner/:repo/labels/:name
		/repos/:owner/:repo/issues/:number/labels /repos/:owner/:repo/milestones/:number/labels
		/repos/:owner/:repo/milestones /repos/:owner/:repo/milestones/:number /emojis /gitignore/templates
		/gitignore/templates/:name /meta /rate_limit /users/:user/orgs /user/orgs /orgs/:org /orgs/:org/members
		/orgs/:org/members/:user /orgs/:org/public_members /orgs/:org/public_members/:user /orgs/:org/teams /teams/:id
		/teams/:id/members /teams/:id/members/:user /teams/:id/repos /teams/:id/repos/:owner/:repo /user/teams
		/repos/:owner/:repo/pulls /repos/:owner/:repo/pulls/:number /repos/:owner/:repo/pulls/:number/commits
		/repos/:owner/:repo/pulls/:number/files /repos/:owner/:repo/pulls/:number/merge
		/repos/:owner/:repo/pulls/:number/comments /user/repos /users/:user/repos /orgs/:org/repos /repositories
		/repos/:owner/:repo /repos/:owner/:repo/contributors /repos/:owner/:repo/languages /repos/:owner/:repo/teams
		/repos/:owner/:repo/tags /repos/:owner/:repo/branches /repos/:owner/:repo/branches/:branch
		/repos/:owner/:repo/collaborators /repos/:owner/:repo/collaborators/:user /repos/:owner/:repo/comments
		/repos/:owner/:repo/commits/:sha/comments /repos/:owner/:repo/comments/:id /repos/:owner/:repo/commits
		/repos/:owner/:repo/commits/:sha /repos/:owner/:repo/readme /repos/:owner/:repo/keys
		/repos/:owner/:repo/keys/:id /repos/:owner/:repo/downloads /repos/:owner/:repo/downloads/:id
		/repos/:owner/:repo/forks /repos/:owner/:repo/hooks /repos/:owner/:repo/hooks/:id /repos/:owner/:repo/releases
		/repos/:owner/:repo/releases/:id /repos/:owner/:repo/releases/:id/assets
		/repos/:owner/:repo/stats/contributors /repos/:owner/:repo/stats/commit_activity
		/repos/:owner/:repo/stats/code_frequency /repos/:owner/:repo/stats/participation
		/repos/:owner/:repo/stats/punch_card /repos/:owner/:repo/statuses/:ref /search/repositories /search/code
		/search/issues /search/users /legacy/issues/search/:owner/:repository/:state/:keyword
		/legacy/repos/search/:keyword /legacy/user/search/:keyword /legacy/user/email/:email /users/:user /user /users
		/user/emails /users/:user/followers /user/followers /users/:user/following /user/following
		/user/following/:user /users/:user/following/:target_user /users/:user/keys /user/keys /user/keys/:id`,
	"POST": `
		/authorizations /gists /gists/:id/forks /repos/:owner/:repo/git/blobs /repos/:owner/:repo/git/commits
		/repos/:owner/:repo/git/refs /repos/:owner/:repo/git/tags /repos/:owner/:repo/git/trees
		/repos/:owner/:repo/issues /repos/:owner/:repo/issues/:number/comments /repos/:owner/:repo/labels
		/repos/:owner/:repo/issues/:number/labels /repos/:owner/:repo/milestones /markdown /markdown/raw
		/orgs/:org/teams /repos/:owner/:repo/pulls /user/repos /orgs/:org/repos
		/repos/:owner/:repo/commits/:sha/comments /repos/:owner/:repo/keys /repos/:owner/:repo/forks
		/repos/:owner/:repo/hooks /repos/:owner/:repo/hooks/:id/tests /repos/:owner/:repo/merges
		/repos/:owner/:repo/releases /repos/:owner/:repo/statuses/:ref /user/emails /user/keys`,
	"DELETE": `
		/authorizations/:id /applications/:client_id/tokens /applications/:client_id/tokens/:access_token
		/notifications/threads/:id/subscription /user/starred/:owner/:repo /repos/:owner/:repo/subscription
		/user/subscriptions/:owner/:repo /gists/:id/star /gists/:id /repos/:owner/:repo/labels/:name
		/repos/:owner/:repo/issues/:number/labels/:name /repos/:owner/:repo/issues/:number/labels
		/repos/:owner/:repo/milestones/:number /orgs/:org/members/:user /orgs/:org/public_members/:user /teams/:id
		/teams/:id/members/:user /teams/:id/repos/:owner/:repo /repos/:owner/:repo
		/repos/:owner/:repo/collaborators/:user /repos/:owner/:repo/comments/:id /repos/:owner/:repo/keys/:id
		/repos/:owner/:repo/downloads/:id /repos/:owner/:repo/hooks/:id /repos/:owner/:repo/releases/:id /user/emails
		/user/following/:user /user/keys/:id`,
	"PUT": `
		/notifications /repos/:owner/:repo/notifications /notifications/threads/:id/subscription
		/user/starred/:owner/:repo /repos/:owner/:repo/subscription /user/subscriptions/:owner/:repo /gists/:id/star
		/repos/:owner/:repo/issues/:number/labels /orgs/:org/public_members/:user /teams/:id/members/:user
		/teams/:id/repos/:owner/:repo /repos/:owner/:repo/pulls/:number/merge
		/repos/:owner/:repo/pulls/:number/comments /repos/:owner/:repo/collaborators/:user /user/following/:user`,
})

var parseRoutes = routeTable(map[string]string{
	"POST": `
		/1/classes/:className /1/users /1/requestPasswordReset /1/roles /1/files/:fileName /1/events/:eventName
		/1/push /1/installations /1/functions`,
	"GET": `
		/1/classes/:className/:objectId /1/classes/:className /1/login /1/users/:objectId /1/users /1/roles/:objectId
		/1/roles /1/installations/:objectId /1/installations`,
	"PUT": `
		/1/classes/:className/:objectId /1/users/:objectId /1/roles/:objectId /1/installations/:objectId`,
	"DELETE": `
		/1/classes/:className/:objectId /1/users/:objectId /1/roles/:objectId /1/installations/:objectId`,
})

var gplusRoutes = routeTable(map[string]string{
	"GET": `
		/people/:userId /people /activities/:activityId/people/:collection /people/:userId/people/:collection
		/people/:userId/openIdConnect /people/:userId/activities/:collection /activities/:activityId /activities
		/activities/:activityId/comments /comments/:commentId /people/:userId/moments/:collection`,
	"POST": `
		/people/:userId/moments/:collection`,
	"DELETE": `
		/moments/:id`,
})

var staticRoutes = routeTable(map[string]string{
	"GET": `
		/ /cmd.html /code.html /contrib.html /contribute.html /debugging_with_gdb.html /docs.html /effective_go.html
		/files.log /gccgo_contribute.html /gccgo_install.html /go-logo-black.png /go-logo-blue.png /go-logo-white.png
		/go1.1.html /go1.2.html /go1.html /go1compat.html /go_faq.html /go_mem.html /go_spec.html /help.html /ie.css
		/install-source.html /install.html /logo-153x55.png /Makefile /root.html /share.png /sieve.gif /tos.html
		/articles/ /articles/go_command.html /articles/index.html /articles/wiki/ /articles/wiki/edit.html
		/articles/wiki/final-noclosure.go /articles/wiki/final-noerror.go /articles/wiki/final-parsetemplate.go
		/articles/wiki/final-template.go /articles/wiki/final.go /articles/wiki/get.go /articles/wiki/http-sample.go
		/articles/wiki/index.html /articles/wiki/Makefile /articles/wiki/notemplate.go /articles/wiki/part1-noerror.go
		/articles/wiki/part1.go /articles/wiki/part2.go /articles/wiki/part3-errorhandling.go /articles/wiki/part3.go
		/articles/wiki/test.bash /articles/wiki/test_edit.good /articles/wiki/test_Test.txt.good
		/articles/wiki/test_view.good /articles/wiki/view.html /codewalk/ /codewalk/codewalk.css /codewalk/codewalk.js
		/codewalk/codewalk.xml /codewalk/functions.xml /codewalk/markov.go /codewalk/markov.xml /codewalk/pig.go
		/codewalk/popout.png /codewalk/run /codewalk/sharemem.xml /codewalk/urlpoll.go /devel/ /devel/release.html
		/devel/weekly.html /gopher/ /gopher/appenginegopher.jpg /gopher/appenginegophercolor.jpg
		/gopher/appenginelogo.gif /gopher/bumper.png /gopher/bumper192x108.png /gopher/bumper320x180.png
		/gopher/bumper480x270.png /gopher/bumper640x360.png /gopher/doc.png /gopher/frontpage.png /gopher/gopherbw.png
		/gopher/gophercolor.png /gopher/gophercolor16x16.png /gopher/help.png /gopher/pkg.png /gopher/project.png
		/gopher/ref.png /gopher/run.png /gopher/talks.png /gopher/pencil/ /gopher/pencil/gopherhat.jpg
		/gopher/pencil/gopherhelmet.jpg /gopher/pencil/gophermega.jpg /gopher/pencil/gopherrunning.jpg
		/gopher/pencil/gopherswim.jpg /gopher/pencil/gopherswrench.jpg /play/ /play/fib.go /play/hello.go
		/play/life.go /play/peano.go /play/pi.go /play/sieve.go /play/solitaire.go /play/tree.go /progs/
		/progs/cgo1.go /progs/cgo2.go /progs/cgo3.go /progs/cgo4.go /progs/defer.go /progs/defer.out /progs/defer2.go
		/progs/defer2.out /progs/eff_bytesize.go /progs/eff_bytesize.out /progs/eff_qr.go /progs/eff_sequence.go
		/progs/eff_sequence.out /progs/eff_unused1.go /progs/eff_unused2.go /progs/error.go /progs/error2.go
		/progs/error3.go /progs/error4.go /progs/go1.go /progs/gobs1.go /progs/gobs2.go /progs/image_draw.go
		/progs/image_package1.go /progs/image_package1.out /progs/image_package2.go /progs/image_package2.out
		/progs/image_package3.go /progs/image_package3.out /progs/image_package4.go /progs/image_package4.out
		/progs/image_package5.go /progs/image_package5.out /progs/image_package6.go /progs/image_package6.out
		/progs/interface.go /progs/interface2.go /progs/interface2.out /progs/json1.go /progs/json2.go
		/progs/json2.out /progs/json3.go /progs/json4.go /progs/json5.go /progs/run /progs/slices.go
		/progs/timeout1.go /progs/timeout2.go /progs/update.bash`,
})
