package bare

import _ "time/tzdata"

const c = 1
