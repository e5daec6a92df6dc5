// Elements are made, never parsed: what a record holds can then not become markup.

/** @typedef {Node | string | number | null | undefined | false | readonly any[]} Child lists of them too */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown> | null} [props] `class`, `on…` and properties; anything with a dash is an attribute
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue
    if (name === 'class') element.className = String(value)
    else if (name.startsWith('on')) element.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else if (name.includes('-') || name === 'role') element.setAttribute(name, String(value))
    else Object.assign(element, { [name]: value })
  }
  element.append(...nodesOf(children))
  return element
}

/** @param {Child[]} children @returns {(Node | string)[]} */
const nodesOf = (children) =>
  children
    .flat(/** @type {1} */ (8))
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)))

/** @param {Element} parent @param {...Child} children */
export const fill = (parent, ...children) => parent.replaceChildren(...nodesOf(children))

/**
 * A table with a caption for those who do not see the page.
 * @param {string} caption
 * @param {readonly (string | readonly [string, 'n' | 'wrap'])[]} head `n`: a number, to the right
 * @param {readonly (readonly Child[])[]} rows
 * @param {string} [none] what to say when there is no row
 */
export function table(caption, head, rows, none = 'nothing here') {
  if (rows.length === 0) return h('p', { class: 'empty' }, none)
  const kind = head.map((column) => (typeof column === 'string' ? undefined : column[1]))
  const names = head.map((column) => (typeof column === 'string' ? column : column[0]))
  return h(
    'div',
    { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': caption },
    h(
      'table',
      null,
      h('caption', null, caption),
      h(
        'thead',
        null,
        h(
          'tr',
          null,
          names.map((name, at) => h('th', { scope: 'col', class: kind[at] === 'n' ? 'n' : undefined }, name)),
        ),
      ),
      h(
        'tbody',
        null,
        rows.map((row) =>
          h(
            'tr',
            null,
            row.map((cell, at) => h('td', { class: kind[at] }, cell)),
          ),
        ),
      ),
    ),
  )
}

/** @param {string} title @param {...Child} children */
export const panel = (title, ...children) => h('section', { class: 'panel' }, h('h2', null, title), children)

/** @param {readonly (readonly [string, Child])[]} fields those without a value are left out */
export const facts = (fields) =>
  h(
    'dl',
    null,
    fields.flatMap(([name, value]) =>
      value === null || value === undefined || value === '' ? [] : [h('dt', null, name), h('dd', null, value)],
    ),
  )
