// SPDX-License-Identifier: GPL-2.0

// draw.mjs POOLMON WORK FLEET PICTURE: has a Prometheus know six hours of two machines, made by
// POOLMON's export of the recorded files in WORK/files, and the alert rules in FLEET. Has a
// Chromium draw FLEET/dashboard.json of that (page.tsx), holds what the page shows against what it
// should, and leaves a picture. Prints a line for each case: ok NAME or not ok NAME. It runs in a
// directory with node_modules, and writes there.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'

const [POOLMON, WORK, FLEET, PICTURE] = process.argv.slice(2)
const MODULES = path.resolve('node_modules')
const HERE = import.meta.dirname
const FONTS = '/usr/share/fonts/opentype/inter'

// Six hours, as the dashboard shows, in steps of a minute: what a fleet's Prometheus scrapes at.
const HOURS = 6
const STEP = 60

// How long others may take for what they do within some seconds on an idle host, in milliseconds.
const PATIENCE = 180000

const MIB = 1 << 20

class Wrong extends Error {}

function wants(is, what) {
  if (!is) {
    throw new Wrong(typeof what === 'string' ? what : JSON.stringify(what, null, 1))
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args,
    { encoding: 'utf8', maxBuffer: 1 << 26 })
  wants(status === 0, `${program} ${args.join(' ')}: ${error ?? status}\n${stdout}${stderr}`)
  return stdout
}

function start(program, args, stdio, more = {}) {
  const child = spawn(program, args, { stdio, ...more })
  child.on('error', wrong => { child.wrong = wrong })
  return child
}

// Comes true, in a while.
async function until(what, comesTrue) {
  const end = Date.now() + PATIENCE
  let found
  do {
    try {
      found = await comesTrue()
      if (found) {
        return found
      }
    } catch (wrong) {
      if (wrong instanceof Wrong) {
        throw wrong
      }
      found = wrong
    }
    await new Promise(done => setTimeout(done, 200))
  } while (Date.now() < end)
  throw new Wrong(`${what}: ${found}`)
}

function freePort() {
  return new Promise(done => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => done(port))
    })
  })
}

// What the recorded files say at a minute of the six hours, on a machine. On alpha the tag Ring
// grows, EExt comes and goes, three requests of Cfg fail and a rule is broken; beta is quiet, and
// shows only some of its rows.
const LAST = HOURS * 3600 / STEP

const machines = {
  'alpha:9838': {
    arguments: [],
    tags: minute => ({
      Ring: [2 + 4 * minute, 0, 2 + 4 * minute, Math.round((1 + 11 * minute / LAST) * MIB)],
      EExt: [1 + 600 * minute, 595 * minute, 1 + 5 * minute,
        Math.round((2 + Math.sin(minute / 30)) * MIB), 3 * MIB],
      Cfg: [8 + 90 * minute, 7 + 90 * minute, 1, 512, 512, minute > LAST - 3 ? 3 : 0],
    }),
    reported: minute => (minute > LAST - 3 ? 1 : 0),
  },
  'beta:9838': {
    arguments: ['--top', '4'],
    tags: minute => ({ Ring: [2 + 60 * minute, 60 * minute, 2, 3 * MIB] }),
    reported: () => 0,
  },
}

// The samples, in the text that promtool reads: all of a family together.
function history(now) {
  const recorded = Object.fromEntries(['tags', 'summary', 'violations'].map(name =>
    [name, fs.readFileSync(`${WORK}/files/${name}`, 'ascii')]))
  const samples = new Map()
  for (const [instance, machine] of Object.entries(machines)) {
    for (let minute = 0; minute <= LAST; minute++) {
      let held = 0
      const changed = machine.tags(minute)
      fs.writeFileSync(`${WORK}/files/tags`, recorded.tags.replace(
        /^(\S+) +(\S+)( +\S+){8} (.*)$/gm, (line, tag, type, _, user) => {
          if (!changed[tag]) {
            return line
          }
          const [allocs, frees, diff, bytes, peak = 0, failures = 0] = changed[tag]
          held += bytes
          return [tag.padEnd(4), type, allocs, frees, diff, bytes, bytes + 16 * diff,
            Math.round(bytes / diff), Math.max(bytes, peak), failures, user].join(' ')
        }))
      fs.writeFileSync(`${WORK}/files/summary`, recorded.summary.replace(
        /holds \d+ bytes, in use \d+/, `holds ${220672 + held} bytes, in use ${42944 + held}`))
      fs.writeFileSync(`${WORK}/files/violations`, recorded.violations.replace(
        '# reported 0', `# reported ${machine.reported(minute)}`))
      const text = run(POOLMON, '--dir', `${WORK}/files`, 'export', '--form', 'openmetrics',
        ...machine.arguments)
      wants(text.endsWith('# EOF\n'), text)
      let family = ''
      for (const line of text.split('\n').slice(0, -2)) {
        if (line.startsWith('#')) {
          family = line.split(' ')[2]
          if (!samples.has(family)) {
            samples.set(family, { head: new Set(), lines: [] })
          }
          samples.get(family).head.add(line)
          continue
        }
        const [, name, labels = '', value] = /^(\w+)(?:{(.*)})? (\S+)$/.exec(line)
        const place = [`job="rust_pool",instance="${instance}"`, labels].filter(Boolean).join(',')
        samples.get(family).lines.push(`${name}{${place}} ${value} ${now - (LAST - minute) * STEP}`)
      }
    }
  }
  const lines = [...samples.values()].flatMap(({ head, lines }) => [...head, ...lines])
  return `${lines.join('\n')}\n# EOF\n`
}

class Prometheus {
  async start() {
    this.address = `127.0.0.1:${await freePort()}`
    fs.writeFileSync(`${WORK}/prometheus.yml`,
      `global: {evaluation_interval: 1s}\nrule_files: [${FLEET}/rules.yml]\n`)
    fs.writeFileSync(`${WORK}/history`, history(Math.floor(Date.now() / 1000 / STEP) * STEP))
    run('promtool', 'tsdb', 'create-blocks-from', 'openmetrics', `${WORK}/history`, `${WORK}/tsdb`)
    const log = fs.openSync(`${WORK}/prometheus.log`, 'w')
    this.child = start('prometheus', [`--config.file=${WORK}/prometheus.yml`,
      `--storage.tsdb.path=${WORK}/tsdb`, '--log.level=warn', '--web.cors.origin=.*',
      // A busy host may draw it minutes later.
      '--query.lookback-delta=15m', `--web.listen-address=${this.address}`], ['ignore', log, log])
    await until('the three alerts fire', async () => {
      wants(this.child.exitCode === null && !this.child.wrong,
        `prometheus has ended: ${this.child.wrong ?? ''}
        ${fs.readFileSync(`${WORK}/prometheus.log`, 'utf8')}`)
      const answer = await (await fetch(`http://${this.address}/api/v1/query?query=${
        encodeURIComponent('count(ALERTS{alertstate="firing"})')}`)).json()
      return answer.data?.result[0]?.value[1] === '3'
    })
  }
}

// Grafana's types of a dashboard. JSON has the values of an enumeration, and not its names.
function isOfSchema() {
  const board = JSON.parse(fs.readFileSync(`${FLEET}/dashboard.json`, 'utf8'))
  const types = (kind, Kind) => `import type * as ${kind}
  from '@grafana/schema/dist/esm/raw/composable/${kind}/panelcfg/x/${Kind}PanelCfg_types.gen'`
  const literals = board.panels.map(({ id, type, options, fieldConfig }) => `
export const options${id}: Plain<Some<${type}.Options>> = ${JSON.stringify(options, null, 1)}
export const custom${id}: Plain<Some<${type === 'stat' ? 'Record<string, never>'
    : `${type}.FieldConfig`}>> = ${JSON.stringify(fieldConfig.defaults.custom ?? {}, null, 1)}`)
  fs.writeFileSync('board.ts', `
import type { Dashboard, Panel, VariableModel } from '@grafana/schema'
${types('stat', 'Stat')}
${types('table', 'Table')}
${types('timeseries', 'TimeSeries')}
type Plain<T> = T extends string ? \`\${T}\` : T extends Array<infer I> ? Array<Plain<I>>
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T
type Some<T> = T extends Array<infer I> ? Array<I>
  : T extends object ? { [K in keyof T]?: Some<T[K]> } : T
// Grafana writes "definition", which its types lack.
type Variable = VariableModel & { definition?: string }
type Board = Omit<Dashboard, 'panels' | 'templating'>
  & { panels: Panel[], templating: { list: Variable[] } }
export const board: Plain<Board> = ${JSON.stringify(board, null, 1)}
${literals.join('\n')}
`)
  fs.writeFileSync('tsconfig.json', JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, skipLibCheck: true, module: 'esnext',
      moduleResolution: 'bundler', target: 'es2022', jsx: 'react-jsx', types: [],
      lib: ['es2023', 'dom', 'dom.iterable'],
    },
    files: ['board.ts', 'page.tsx'],
  }))
  run('node', `${MODULES}/typescript/bin/tsc`, '-p', '.')
}

function isBundled() {
  run(`${MODULES}/@esbuild/linux-x64/bin/esbuild`, 'page.tsx', '--bundle', '--format=iife',
    '--outfile=out/page.js', '--define:process.env.NODE_ENV="production"', '--loader:.svg=dataurl',
    '--loader:.ttf=empty', '--log-level=error')
}

// Serves the page, what Grafana's libraries fetch for it, and the dashboard.
function serve() {
  const server = http.createServer(({ url }, answer) => {
    const { pathname, searchParams } = new URL(url, 'http://localhost')
    if (pathname === '/') {
      answer.setHeader('content-type', 'text/html')
      answer.end(`<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css">
<link rel="icon" href="data:,"><body><div id="board"></div>
<script>window.__grafana_public_path__ = '/public/'</script>
<script type="application/json" id="wish">${searchParams.get('wish')}</script>
<script src="page.js"></script>`)
      return
    }
    const file = pathname === '/dashboard.json' ? `${FLEET}/dashboard.json`
      : pathname.replace(/^\/public\/build\//, `${MODULES}/@grafana/ui/dist/public/`)
        .replace(/^\/public\/fonts\/inter\/(.*)\.woff2$/, `${FONTS}/$1.otf`)
        .replace(/^\/page\./, 'out/page.')
    if (!fs.existsSync(file)) {
      answer.statusCode = 404
      answer.end()
      return
    }
    answer.setHeader('content-type', { '.css': 'text/css', '.js': 'text/javascript',
      '.svg': 'image/svg+xml' }[path.extname(file)] ?? 'application/json')
    answer.end(fs.readFileSync(file))
  })
  return new Promise(done => server.listen(0, '127.0.0.1', () => {
    server.unref()
    done(`http://127.0.0.1:${server.address().port}/`)
  }))
}

// A Chromium that is told what to do by a pipe.
class Chromium {
  constructor() {
    const log = fs.openSync(`${WORK}/chromium.log`, 'w')
    this.child = start('/usr/lib/chromium/chromium', ['--headless', '--no-sandbox',
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
      '--hide-scrollbars', '--force-color-profile=srgb', '--remote-debugging-pipe',
      `--user-data-dir=${WORK}/chromium`, 'about:blank'], ['ignore', log, log, 'pipe', 'pipe'],
    { env: { ...process.env, TZ: 'UTC', HOME: WORK, XDG_RUNTIME_DIR: WORK } })
    this.waiting = new Map()
    this.number = 0
    this.said = []
    let rest = ''
    this.child.stdio[4].setEncoding('utf8').on('data', data => {
      const messages = (rest + data).split('\0')
      rest = messages.pop()
      messages.forEach(message => this.heard(JSON.parse(message)))
    })
    this.child.stdio[3].on('error', () => {})
    this.child.on('exit', code => this.waiting.forEach(done => done(new Wrong(
      `Chromium has ended with ${code}: ${fs.readFileSync(`${WORK}/chromium.log`, 'utf8')}`))))
  }

  heard({ id, method, params, result, error }) {
    if (method === 'Runtime.exceptionThrown') {
      this.said.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text)
    } else if (method === 'Runtime.consoleAPICalled' && params.type === 'error') {
      this.said.push(params.args.map(({ value, description }) => value ?? description).join(' '))
    } else if (method === 'Network.responseReceived' && params.response.status >= 400) {
      this.said.push(`${params.response.status}: ${params.response.url}`)
    }
    this.waiting.get(id)?.(error ? new Wrong(error.message) : result)
    this.waiting.delete(id)
  }

  async tell(method, params = {}, more = { sessionId: this.session }) {
    const id = ++this.number
    const answer = new Promise(done => {
      const late = setTimeout(() => done(new Wrong(`Chromium does not answer to ${method}: ${
        fs.readFileSync(`${WORK}/chromium.log`, 'utf8')}`)), PATIENCE)
      this.waiting.set(id, found => {
        clearTimeout(late)
        done(found)
      })
    })
    this.child.stdio[3].write(`${JSON.stringify({ id, method, params, ...more })}\0`)
    const found = await answer
    if (found instanceof Wrong) {
      throw found
    }
    return found
  }

  async value(expression) {
    const { result, exceptionDetails } = await this.tell('Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true })
    wants(!exceptionDetails, exceptionDetails?.exception?.description ?? '')
    return result.value
  }

  // What is drawn if something is wished, and how the page says that.
  async draw(url, wish) {
    this.said = []
    if (!this.session) {
      const { targetId } = await this.tell('Target.createTarget', { url: 'about:blank' }, {})
      this.session = (await this.tell('Target.attachToTarget', { targetId, flatten: true }, {}))
        .sessionId
      await this.tell('Runtime.enable')
      await this.tell('Network.enable')
    }
    // All rows of a table are in the page if there is room for them.
    await this.tell('Emulation.setDeviceMetricsOverride',
      { width: wish.width, height: 2000, deviceScaleFactor: 1, mobile: false })
    const query = new URLSearchParams({ wish: JSON.stringify(wish) })
    await this.tell('Page.navigate', { url: `${url}?${query}` })
    await until('the page is drawn', () => this.value('!!(window.drawn || window.wrong)'))
    const wrong = await this.value('window.wrong')
    wants(!wrong, wrong)
    const panels = await this.value(`(${read})()`)
    wants(!this.said.length, this.said.join('\n'))
    return Object.fromEntries(panels.map(panel => [panel.title, panel]))
  }

  async picture(file) {
    const { width, height } = await this.value(
      '(at => ({ width: at.width, height: at.height }))(board.getBoundingClientRect())')
    const { data } = await this.tell('Page.captureScreenshot', {
      format: 'png', captureBeyondViewport: true, clip: { x: 0, y: 0, width, height, scale: 0.75 },
    })
    const png = Buffer.from(data, 'base64')
    const text = Buffer.from('tEXtCopyright\0SPDX-License-Identifier: GPL-2.0', 'latin1')
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    size.writeUInt32BE(text.length - 4)
    sum.writeUInt32BE(crc(text))
    // Behind the header.
    fs.writeFileSync(file, Buffer.concat([png.subarray(0, 33), size, text, sum, png.subarray(33)]))
  }
}

function crc(bytes) {
  let sum = ~0
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) {
      sum = sum & 1 ? sum >>> 1 ^ 0xedb88320 : sum >>> 1
    }
  }
  return ~sum >>> 0
}

// Runs in the page.
function read() {
  const text = element => (element.innerText ?? '').trim()
  const hex = parts => `#${parts.map(part => Number(part).toString(16).padStart(2, '0')).join('')}`
  return [...document.querySelectorAll('[data-panel]')].map(section => {
    const { x, y, width, height } = section.getBoundingClientRect()
    const leaves = [...section.querySelectorAll('*')].filter(
      element => !element.children.length && text(element))
    const colors = {}
    for (const canvas of section.querySelectorAll('canvas')) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] > 60) {
          const color = hex([data[at], data[at + 1], data[at + 2]])
          colors[color] = (colors[color] ?? 0) + 1
        }
      }
    }
    const rows = [...section.querySelectorAll('[role=row]')].map(row =>
      [...row.querySelectorAll('[role=columnheader], [role=gridcell]')].map(text))
    return {
      ...window.drawn.find(({ id }) => String(id) === section.dataset.panel),
      title: text(section.querySelector('h2')), text: text(section),
      place: [x, y, width, height], colors, columns: rows[0], rows: rows.slice(1),
      cut: leaves.filter(leaf => leaf.clientWidth > 1
        && leaf.getBoundingClientRect().right > x + width + 1).map(text),
      tones: Object.fromEntries(leaves.map(leaf =>
        [text(leaf), hex(getComputedStyle(leaf).color.match(/\d+/g).slice(0, 3))])),
    }
  })
}

async function pass(name, function_) {
  try {
    await function_()
    console.log(`ok ${name}`)
    return true
  } catch (wrong) {
    const said = wrong instanceof Wrong ? wrong.message : wrong.stack
    said.split('\n').slice(0, 60).forEach(line => console.log(`# ${line}`))
    console.log(`not ok ${name}`)
    return false
  }
}

// What the page has to show.

const COLUMNS = ['Machine', 'Tag', 'Type', 'Module', 'Bytes', 'Used', 'Blocks', 'Peak', 'Failures']
const [BLUE, RED, GREEN] = ['#3274d9', '#e02f44', '#56a64b']

const UNITS = {
  'What rust_pool holds, by use': ['KiB', 'MiB'],
  'Live bytes, by type': ['B', 'KiB', 'MiB'],
  'Tags with the most bytes': ['B', 'KiB', 'MiB'],
  'Tags that grow most': ['B/s'],
  'Allocations and frees': ['ops/s'],
  'Requests that fail': ['ops/s'],
}

// Lines that others do not hide.
const LINES = {
  'What rust_pool holds, by use': ['in_use', 'verifier'],
  'Live bytes, by type': ['common', 'paged'],
  'Tags with the most bytes': ['alpha:9838 Ring nonpaged c_client',
    'alpha:9838 EExt nonpaged c_driver', 'beta:9838 Ring nonpaged c_client'],
  'Tags that grow most': ['alpha:9838 Ring nonpaged c_client', 'alpha:9838 EExt nonpaged c_driver'],
  'Allocations and frees': ['nonpaged, allocated', 'nonpaged, freed', 'paged, allocated',
    'paged, freed'],
  'Requests that fail': ['alpha:9838 paged'],
}

// The most by which a part of two colours differs.
function distance(one, other) {
  return Math.max(...[1, 3, 5].map(at => Math.abs(parseInt(one.slice(at, at + 2), 16)
    - parseInt(other.slice(at, at + 2), 16))))
}

function stats(panels, expected) {
  for (const [title, numbers] of Object.entries(expected)) {
    const { text, tones } = panels[title]
    for (const [number, color] of numbers) {
      wants(text.split('\n').includes(number), `${title}: not ${number}: ${text}`)
      const tone = tones[number.split(' ')[0]]
      wants(tone && distance(tone, color) < 4, `${title}: ${number} is ${tone}, and not ${color}`)
    }
  }
}

function table({ title, columns, rows }, names, expected) {
  wants(same(columns, names), `${title}: has the columns ${columns}`)
  const [found, wanted] = [rows, expected].map(some => some.map(row => row.join(' | ')).sort())
  wants(same(found, wanted), `${title}: is\n${found.join('\n')}\nand not\n${wanted.join('\n')}`)
}

async function main() {
  const prometheus = new Prometheus()
  fs.copyFileSync(path.join(HERE, 'page.tsx'), 'page.tsx')
  if (!await pass('Prometheus has six hours, and its alerts fire', () => prometheus.start())) {
    return
  }
  await pass('dashboard is of the types in Grafana\'s schema', isOfSchema)
  if (!await pass('page is made', isBundled)) {
    return
  }
  const board = JSON.parse(fs.readFileSync(`${FLEET}/dashboard.json`, 'utf8'))
  const url = await serve()
  const chromium = new Chromium()
  const wish = { prometheus: `http://${prometheus.address}`, scrape: STEP, chosen: {}, width: 1200 }
  let panels
  if (!await pass('Chromium draws it', async () => {
    panels = await chromium.draw(url, wish)
    await chromium.picture(PICTURE)
  })) {
    return
  }
  await pass('each panel is there', () => {
    wants(same(Object.keys(panels).sort(), board.panels.map(({ title }) => title).sort()),
      Object.keys(panels))
    for (const { title, text, place, cut } of Object.values(panels)) {
      wants(!/No data/.test(text), `${title}: ${text}`)
      wants(place[2] > 100 && place[3] > 100, `${title}: ${place}`)
      wants(!cut.length, `${title}: at its side, it cuts off ${cut}`)
    }
  })
  await pass('numbers are of their units and colours', () => {
    stats(panels, {
      'Held in all': [['16.9 MiB', BLUE]],
      'Tags in use': [['14', BLUE], ['3', BLUE]],
      'Failed requests': [['3', RED]],
      Violations: [['1', RED]],
    })
    for (const [title, units] of Object.entries(UNITS)) {
      for (const { name, suffix } of panels[title].fields.filter(({ color }) => color)) {
        wants(units.includes(suffix?.trim()), `${title}: ${name} has the unit "${suffix}"`)
      }
    }
  })
  await pass('lines are drawn, and named', () => {
    for (const [title, names] of Object.entries(LINES)) {
      const { fields, colors, text } = panels[title]
      for (const name of names) {
        const color = fields.find(field => field.name.trim() === name)?.color
        wants(color && text.split('\n').includes(name), `${title}: no ${name} in ${text}`)
        const near = Object.entries(colors).reduce((sum, [one, times]) =>
          sum + (distance(one, color) < 24 ? times : 0), 0)
        wants(near >= 20, `${title}: ${near} pixels of ${name}, which is ${color}`)
      }
    }
    // The one that fails is the first of its legend.
    wants(/Max\s+alpha:9838 paged/.test(panels['Requests that fail'].text),
      panels['Requests that fail'].text)
    wants(/Last \*\s+alpha:9838 Ring nonpaged c_client\s+12 MiB/.test(
      panels['Tags with the most bytes'].text), panels['Tags with the most bytes'].text)
  })
  await pass('tables have their columns and rows', () => {
    table(panels['Tags now'], COLUMNS, [
      ['alpha:9838', 'Ring', 'nonpaged', 'c_client', '12 MiB', '12.0 MiB', '1442', '12 MiB', '0'],
      ['beta:9838', 'Ring', 'nonpaged', 'c_client', '3 MiB', '3.00 MiB', '2', '3 MiB', '0'],
      ['alpha:9838', 'EExt', 'nonpaged', 'c_driver', '1.46 MiB', '1.49 MiB', '1801', '3 MiB', '0'],
      ['alpha:9838', '-', 'contiguous', '', '17.8 KiB', '20 KiB', '2', '', '0'],
      ['beta:9838', '-', 'contiguous', '', '17.8 KiB', '20 KiB', '2', '', '0'],
      ['alpha:9838', '-', 'common', '', '9.77 KiB', '12 KiB', '1', '', '0'],
      ['beta:9838', '-', 'common', '', '9.77 KiB', '12 KiB', '1', '', '0'],
      ['alpha:9838', 'Cfg', 'paged', 'rust_client', '512 B', '528 B', '1', '512 B', '3'],
      ['beta:9838', 'Cfg', 'paged', 'rust_client', '512 B', '512 B', '1', '512 B', '0'],
      ['alpha:9838', 'ECfg', 'paged', 'c_driver', '500 B', '576 B', '1', '500 B', '0'],
      ['beta:9838', '(rest)', 'paged', '', '500 B', '576 B', '1', '', ''],
      ['alpha:9838', '-', 'noncached', '', '164 B', '8 KiB', '2', '', '0'],
      ['beta:9838', '(rest)', 'noncached', '', '164 B', '8 KiB', '2', '', ''],
      ['beta:9838', '(rest)', 'nonpaged', '', '48 B', '64 B', '1', '', ''],
    ])
    wants(same(panels['Tags now'].rows.slice(0, 3).map(row => row[4]),
      ['12 MiB', '3 MiB', '1.46 MiB']), 'Tags now: not by bytes')
    table(panels.Alerts, ['Alert', 'Severity', 'Machine', 'Tag', 'Type', 'Module'], [
      ['RustPoolRequestsFail', 'warning', 'alpha:9838', '', 'paged', ''],
      ['RustPoolRuleBroken', 'critical', 'alpha:9838', '', '', ''],
      ['RustPoolTagGrows', 'warning', 'alpha:9838', 'Ring', 'nonpaged', 'c_client'],
    ])
  })
  await pass('what is chosen is shown, and nothing else', async () => {
    const chosen = {
      instance: ['beta:9838'], type: ['nonpaged', 'noncached'], tag: ['Ring', '(rest)'],
    }
    panels = await chromium.draw(url, { ...wish, chosen })
    stats(panels, {
      'Held in all': [['3.21 MiB', BLUE]],
      'Tags in use': [['7', BLUE], ['3', BLUE]],
      'Failed requests': [['0', GREEN]],
      Violations: [['0', GREEN]],
    })
    table(panels['Tags now'], COLUMNS, [
      ['beta:9838', 'Ring', 'nonpaged', 'c_client', '3 MiB', '3.00 MiB', '2', '3 MiB', '0'],
      ['beta:9838', '(rest)', 'noncached', '', '164 B', '8 KiB', '2', '', ''],
      ['beta:9838', '(rest)', 'nonpaged', '', '48 B', '64 B', '1', '', ''],
    ])
    // Nothing fires on beta.
    for (const { title, text } of Object.values(panels)) {
      wants(/No data/.test(text) === (title === 'Alerts'), `${title}: ${text}`)
      wants(!/alpha/.test(text), `${title}: ${text}`)
    }
  })
}

// What was started ends with this program: see in_draw in scripts/draw.sh.
await main()
process.exit()
